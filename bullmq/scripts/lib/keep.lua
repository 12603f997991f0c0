--@use delete
-- Removes finished jobs that are too old, then those beyond the number to keep.
-- A count below zero and an age of zero mean no limit.
local function apply_keep(p, set, count, age, limit, now)
  if age > 0 then
    local old = redis.call('ZRANGEBYSCORE', p .. set, '-inf', now - age, 'LIMIT', 0, limit)
    for _, id in ipairs(old) do
      evict_job(p, id)
    end
    if #old > 0 then
      redis.call('ZREM', p .. set, unpack(old))
    end
  end
  if count > 0 then
    local beyond = redis.call('ZRANGE', p .. set, 0, -count - 1)
    for i, id in ipairs(beyond) do
      evict_job(p, id)
      redis.call('ZREM', p .. set, id)
      -- A limit that was lowered may leave very many; the next finishes go on.
      if i == 1000 then
        break
      end
    end
  end
end
