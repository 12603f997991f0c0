--@use wait
-- Moves delayed jobs up to a score to where workers take them from, and replies
-- with their number.
local function promote_until(p, meta, score, limit)
  local ids = redis.call('ZRANGEBYSCORE', p .. 'delayed', '-inf', score, 'LIMIT', '0', limit)
  if #ids == 0 then
    return 0
  end
  redis.call('ZREM', p .. 'delayed', unpack(ids))
  for _, id in ipairs(ids) do
    local key = p .. id
    push_waiting(p, meta, id, priority_of(key), false)
    redis.call('XADD', p .. 'events', '*', 'event', 'waiting', 'jobId', id, 'prev', 'delayed')
    if redis.call('EXISTS', key) == 1 then
      redis.pcall('HSET', key, 'delay', '0')
    end
  end
  mark_base(p, meta)
  return #ids
end

-- Lets delayed jobs run whose time has come, so many that a call stays short. The
-- marker brings the next call if there are more.
local function promote_due(p, meta, now)
  promote_until(p, meta, (now + 1) * 4096 - 1, '300')
end
