-- Stops the queue from giving out jobs. KEYS[1] is its key prefix.
--@use meta
local p = KEYS[1]
redis.call('HSET', p .. 'meta', 'paused', '1')
redis.call('DEL', p .. 'marker')
local meta = read_meta(p)
redis.call('XADD', p .. 'events', 'MAXLEN', '~', meta.max_events, '*', 'event', 'paused')
return 0
