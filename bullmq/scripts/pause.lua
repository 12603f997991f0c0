-- Stops the queue from giving out jobs. KEYS[1] is its key prefix.
--@use meta
local p = KEYS[1]
redis.call('HSET', p .. 'meta', 'paused', '1')
redis.call('DEL', p .. 'marker')
local meta = read_meta(p)
if meta.wait ~= p .. 'wait' and redis.call('EXISTS', p .. 'wait') == 1 and redis.call('EXISTS', p .. 'paused') == 0 then
  redis.call('RENAME', p .. 'wait', p .. 'paused')
end
redis.call('XADD', p .. 'events', 'MAXLEN', '~', meta.max_events, '*', 'event', 'paused')
return 0
