-- Gives a job another priority, and the place that goes with it if it waits.
-- KEYS[1] is the queue's key prefix; ARGV: the id, the priority, '1' for lifo.
--@use wait
local p, id, priority = KEYS[1], ARGV[1], tonumber(ARGV[2])
local key = p .. id
if redis.call('EXISTS', key) == 0 then
  return -1
end
if redis.call('ZREM', p .. 'prioritized', id) == 1 or redis.call('LREM', p .. 'wait', -1, id) == 1
  or redis.call('LREM', p .. 'paused', -1, id) == 1 then
  local meta = read_meta(p)
  push_waiting(p, meta, id, priority, ARGV[3] == '1')
  mark_base(p, meta)
end
redis.call('HSET', key, 'priority', ARGV[2])
return 0
