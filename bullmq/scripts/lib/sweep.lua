--@use remove
-- Goes through a chunk of a state that begins skip places from what runs, or
-- finished, first, and deletes the jobs for which goes(id) is true. Of finished
-- jobs only those up to a time are looked at, if one is given. Replies with the
-- ids, and where the next chunk begins, or -1 after the last.
local function sweep_sorted(p, set, skip, size, goes, finished_by)
  local ids, gone = nil, {}
  if finished_by then
    ids = redis.call('ZRANGEBYSCORE', p .. set, '-inf', finished_by, 'LIMIT', skip, size)
  else
    ids = redis.call('ZRANGE', p .. set, skip, skip + size - 1)
  end
  for _, id in ipairs(ids) do
    if goes(id) then
      gone[#gone + 1] = id
    end
  end
  if #gone > 0 then
    redis.call('ZREM', p .. set, unpack(gone))
  end
  for _, id in ipairs(gone) do
    drop_job(p, id)
  end
  return gone, #ids < size and -1 or skip + #ids - #gone
end

-- Rewrites the end of a list without those that go. Only the end is touched, so
-- that the length of the list does not matter.
local function cut_tail(key, length, goes)
  local kept = {}
  local tail = redis.call('RPOP', key, length)
  for i = #tail, 1, -1 do
    if not goes[tail[i]] then
      kept[#kept + 1] = tail[i]
    end
  end
  for from = 1, #kept, 4000 do
    redis.call('RPUSH', key, unpack(kept, from, math.min(from + 3999, #kept)))
  end
end

local function sweep_list(p, list, skip, size, goes)
  local key = p .. list
  local ids, gone, set = redis.call('LRANGE', key, -skip - size, -skip - 1), {}, {}
  -- Deep in a list each removal walks there, which bounds how many a call can do.
  local most = math.max(1, math.floor(400000 / (skip + size)))
  local seen = 0
  for i = #ids, 1, -1 do
    if #gone == most then
      break
    end
    seen = seen + 1
    if goes(ids[i]) then
      gone[#gone + 1] = ids[i]
      set[ids[i]] = true
    end
  end
  if #gone > 0 and skip + seen <= 4000 then
    cut_tail(key, skip + seen, set)
  else
    for _, id in ipairs(gone) do
      redis.call('LREM', key, -1, id)
    end
  end
  for _, id in ipairs(gone) do
    drop_job(p, id)
  end
  return gone, #ids < size and seen == #ids and -1 or skip + seen - #gone
end

local function sweep(p, state, skip, size, goes, finished_by)
  if state == 'wait' or state == 'paused' or state == 'active' then
    return sweep_list(p, state, skip, size, goes)
  end
  return sweep_sorted(p, state, skip, size, goes, finished_by)
end
