-- Takes jobs out of active and replies with the set of those that were in it. Jobs
-- mostly end in the order in which they began, so that many are sooner found by
-- popping from the end, and pushing back what else was there, than one by one.
local function leave_active(p, ids)
  local active, left, missing = p .. 'active', {}, #ids
  if missing >= 8 then
    local leaving, rest = {}, {}
    for n = 1, #ids do
      leaving[ids[n]] = true
    end
    for _ = 1, 8 do
      local popped = redis.call('RPOP', active, #ids) or {}
      for n = 1, #popped do
        local id = popped[n]
        if leaving[id] and not left[id] then
          left[id] = true
          missing = missing - 1
        else
          rest[#rest + 1] = id
        end
      end
      if missing == 0 or #popped < #ids then
        break
      end
    end
    local back = {}
    for n = #rest, 1, -1 do
      back[#back + 1] = rest[n]
    end
    for from = 1, #back, 4000 do
      redis.call('RPUSH', active, unpack(back, from, math.min(from + 3999, #back)))
    end
  end
  if missing > 0 then
    for n = 1, #ids do
      local id = ids[n]
      left[id] = left[id] or redis.call('LREM', active, '-1', id) == 1
    end
  end
  return left
end
