--@use wait
-- Moves delayed jobs whose time has come to where workers take them from.
local function promote_due(p, meta, now)
  local ids = redis.call('ZRANGEBYSCORE', p .. 'delayed', '0', (now + 1) * 4096 - 1, 'LIMIT', '0', '1000')
  if #ids == 0 then
    return
  end
  redis.call('ZREM', p .. 'delayed', unpack(ids))
  for _, id in ipairs(ids) do
    local key = p .. id
    push_waiting(p, id, tonumber(redis.call('HGET', key, 'priority')) or 0, false)
    redis.call('XADD', p .. 'events', '*', 'event', 'waiting', 'jobId', id, 'prev', 'delayed')
    redis.call('HSET', key, 'delay', '0')
  end
  mark_base(p, meta)
end
