--@use delete
-- A limit that was lowered may leave very many jobs. A call removes no more than
-- this of them, and the next ones go on.
local most_evicted = 300

-- Removes finished jobs that are too old, then those beyond the number to keep.
-- A count below zero and an age of zero mean no limit.
local function apply_keep(p, set, count, age, limit, now)
  if age > 0 then
    local old = redis.call('ZRANGEBYSCORE', p .. set, '-inf', now - age, 'LIMIT', 0, math.min(limit, most_evicted))
    for _, id in ipairs(old) do
      evict_job(p, id)
    end
    if #old > 0 then
      redis.call('ZREM', p .. set, unpack(old))
    end
  end
  if count > 0 then
    local beyond = redis.call('ZCARD', p .. set) - count
    if beyond > 0 then
      local old = redis.call('ZPOPMIN', p .. set, math.min(beyond, most_evicted))
      for i = 1, #old, 2 do
        evict_job(p, old[i])
      end
    end
  end
end
