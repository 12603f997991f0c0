-- Deletes a chunk of the jobs of one state that are older than a time. KEYS[1] is
-- the queue's key prefix; ARGV: the state's key, the time in ms, where the chunk
-- begins, how many jobs it looks at, how many it may delete, '' to leave no event,
-- else how many jobs earlier chunks have deleted. Jobs that are being processed
-- and those that a scheduler has planned stay. Replies with the ids, and where the
-- next chunk begins, -1 after the last.
--@use sweep
local p, state, before, room = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[5])

-- What says how old a job is: the first of these that it has.
local ages = ({
  delayed = { 'rjk', 'processedOn', 'timestamp' },
  prioritized = { 'rjk', 'timestamp' },
  completed = { 'rjk' },
  failed = { 'rjk' },
})[state] or { 'rjk', 'finishedOn', 'processedOn', 'timestamp' }

local function age(job)
  for i = 2, #ages do
    if job[i] then
      return tonumber(job[i]) or 0
    end
  end
  return 0
end

local finished_by = (state == 'completed' or state == 'failed') and ARGV[2]

local function goes(id)
  if room == 0 then
    return false
  end
  local job = redis.call('HMGET', p .. id, unpack(ages))
  if age(job) > before or not finished_by and is_planned(p, id, job[1]) then
    return false
  end
  if state == 'active' and redis.call('EXISTS', p .. id .. ':lock') == 1 then
    return false
  end
  room = room - 1
  return true
end

local gone, following = sweep(p, state, tonumber(ARGV[3]), tonumber(ARGV[4]), goes, finished_by)
if room == 0 then
  following = -1
end
if ARGV[6] ~= '' and following == -1 then
  redis.call('XADD', p .. 'events', 'MAXLEN', '~', read_meta(p).max_events, '*',
    'event', 'cleaned', 'count', string.format('%d', ARGV[6] + #gone))
end
return { gone, following }
