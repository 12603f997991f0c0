-- Gives a delayed job another delay, from now. KEYS[1] is the queue's key
-- prefix; ARGV: the id, the delay in ms, now.
--@use wait
--@use delayed
local p, id = KEYS[1], ARGV[1]
local key = p .. id
if redis.call('EXISTS', key) == 0 then
  return -1
end
local due = tonumber(ARGV[3]) + tonumber(ARGV[2])
local score = delayed_score(p, due)
if redis.call('ZREM', p .. 'delayed', id) == 0 then
  return -3
end
redis.call('HSET', key, 'delay', ARGV[2])
redis.call('ZADD', p .. 'delayed', score, id)
redis.call('XADD', p .. 'events', 'MAXLEN', '~', read_meta(p).max_events, '*',
  'event', 'delayed', 'jobId', id, 'delay', due)
mark_delayed(p)
return 0
