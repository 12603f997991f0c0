-- Stops the queue from giving out jobs. KEYS[1] is its key prefix.
--@use meta
local p = KEYS[1]
redis.call('HSET', p .. 'meta', 'paused', '1')
redis.call('DEL', p .. 'marker')
redis.call('XADD', p .. 'events', 'MAXLEN', '~', read_meta(p).max_events, '*', 'event', 'paused')
return 0
