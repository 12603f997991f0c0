-- Lets a delayed job run now. KEYS[1] is the queue's key prefix, ARGV[1] the id.
--@use wait
local p, id = KEYS[1], ARGV[1]
local key = p .. id
if redis.call('EXISTS', key) == 0 then
  return -1
end
if redis.call('ZREM', p .. 'delayed', id) == 0 then
  return -3
end
local meta = read_meta(p)
push_waiting(p, meta, id, priority_of(key), false)
mark_base(p, meta)
redis.call('HSET', key, 'delay', '0')
redis.call('XADD', p .. 'events', 'MAXLEN', '~', meta.max_events, '*',
  'event', 'waiting', 'jobId', id, 'prev', 'delayed')
return 0
