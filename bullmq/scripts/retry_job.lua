-- Puts a finished job back to wait. KEYS[1] is the queue's key prefix; ARGV: the
-- id, the state it is in, '1' for lifo.
--@use parent
local p, id, state = KEYS[1], ARGV[1], ARGV[2]
local key = p .. id
local job = redis.call('HMGET', key, 'priority', 'parentKey', 'parent')
if redis.call('EXISTS', key) == 0 then
  return -1
end
if redis.call('ZREM', p .. state, id) == 0 then
  return -3
end
redis.call('HDEL', key, 'finishedOn', 'processedOn', state == 'completed' and 'returnvalue' or 'failedReason')
local meta, priority = read_meta(p), tonumber(job[1]) or 0
push_waiting(p, id, priority, priority == 0 and ARGV[3] == '1')
mark_base(p, meta)
local parent = parent_of(job[2], job[3])
if parent and redis.call('EXISTS', parent.key) == 1 then
  local linked
  if state == 'completed' then
    linked = redis.call('HDEL', parent.key .. ':processed', key)
  else
    linked = redis.call('ZREM', parent.key .. ':unsuccessful', key) + redis.call('HDEL', parent.key .. ':failed', key)
  end
  if linked > 0 then
    redis.call('SADD', parent.key .. ':dependencies', key)
  end
end
redis.call('XADD', p .. 'events', 'MAXLEN', '~', meta.max_events, '*', 'event', 'waiting', 'jobId', id, 'prev', state)
return 0
