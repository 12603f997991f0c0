--@use wait
-- Moves delayed jobs to where workers take them from.
local function promote(p, meta, ids)
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
end
