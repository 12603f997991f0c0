-- Takes jobs out of active and replies with the set of those that were in it. Jobs
-- mostly end in the order in which they began, so that many are sooner found by
-- popping from the end, and pushing back what else was there, than one by one, for as
-- long as a quarter of what is popped is among them.
local function leave_active(p, ids)
  local active, left, missing = p .. 'active', {}, #ids
  if missing >= 8 then
    local leaving, rest = {}, {}
    for n = 1, #ids do
      leaving[ids[n]] = true
    end
    local popped, found
    repeat
      popped, found = redis.call('RPOP', active, #ids) or {}, missing
      for n = 1, #popped do
        local id = popped[n]
        if leaving[id] and not left[id] then
          left[id] = true
          missing = missing - 1
        else
          rest[#rest + 1] = id
        end
      end
      found = found - missing
    until missing == 0 or #popped < #ids or found * 4 < #ids or #rest > 4 * #ids
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
