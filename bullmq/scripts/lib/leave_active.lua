-- Takes jobs out of active and replies with the set of those that were in it.
-- To take out many, the list is written anew: looking for each one from the end
-- costs more as soon as they are an eighth of it.
local function leave_active(p, ids)
  local active, left = p .. 'active', {}
  if #ids < 8 or #ids * 8 < redis.call('LLEN', active) then
    for _, id in ipairs(ids) do
      left[id] = redis.call('LREM', active, '-1', id) == 1
    end
    return left
  end
  local leaving, rest = {}, {}
  for _, id in ipairs(ids) do
    leaving[id] = true
  end
  for _, id in ipairs(redis.call('LRANGE', active, '0', '-1')) do
    if leaving[id] then
      left[id] = true
    else
      rest[#rest + 1] = id
    end
  end
  redis.call('DEL', active)
  for from = 1, #rest, 4000 do
    redis.call('RPUSH', active, unpack(rest, from, math.min(from + 3999, #rest)))
  end
  return left
end
