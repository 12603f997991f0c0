-- Stores a job scheduler in place of any of the same id and adds its next job.
-- KEYS[1] is the queue's key prefix; ARGV: now, id, id as JSON without quotes,
-- interval in ms or '', next run of a pattern, start date or '', offset or '',
-- name, pattern, tz, limit, end date ('' for each not given), template options
-- and data to keep or '', then the job's options, data, priority, '1' for lifo.
-- Replies with the id of the job, -10 or -11 if that run exists already.
--@use scheduler
--@use remove
--@use state
local p, now, id = KEYS[1], tonumber(ARGV[1]), ARGV[2]
local every, offset = tonumber(ARGV[4]), tonumber(ARGV[7])
local key = p .. 'repeat:' .. id
local prev = tonumber(redis.call('ZSCORE', p .. 'repeat', id))
local stored = redis.call('HMGET', key, 'every', 'offset', 'ic', 'pattern')
local unchanged = prev ~= nil and tonumber(stored[1]) == every
local pattern_stays = ARGV[9] ~= '' and stored[4] == ARGV[9]

local function first_run()
  if not every then
    return tonumber(ARGV[5])
  end
  if unchanged then
    return following_slot(prev, every, offset or 0, now)
  end
  if ARGV[6] ~= '' then
    return math.max(tonumber(ARGV[6]), now)
  end
  if offset and offset > 0 then
    local slot = math.floor(now / every) * every + offset
    return slot <= now and slot + every or slot
  end
  return now
end

local function exists(at)
  return redis.call('EXISTS', p .. run_id(id, at)) == 1
end

-- The run that was planned gives way to the new plan, unless it has begun.
local planned = prev and exists(prev) and find_state(p, run_id(id, prev))
local replaced = planned == 'delayed' or planned == 'prioritized' or planned == 'wait' or planned == 'paused'
local next_run = first_run()
if replaced and (every and unchanged or pattern_stays and exists(next_run)) then
  next_run = prev
end
if not every and exists(next_run) and not (replaced and next_run == prev) then
  return -10
end
if replaced then
  remove_job(p, run_id(id, prev))
end
local tries = 0
while exists(next_run) do
  tries = tries + 1
  if tries > 32 then
    return -11
  end
  next_run = next_run + every
end

if replaced then
  offset = offset or tonumber(stored[2])
end
if every and not offset then
  offset = next_run - math.floor(next_run / every) * every
end
local record = { 'name', ARGV[8], 'offset', string.format('%.0f', offset or 0), 'ic', stored[3] or '1' }
for name, value in pairs({
  every = ARGV[4], pattern = ARGV[9], tz = ARGV[10], limit = ARGV[11], endDate = ARGV[12],
  startDate = ARGV[6], opts = ARGV[13], data = ARGV[14],
}) do
  if value ~= '' then
    record[#record + 1] = name
    record[#record + 1] = value
  end
end
redis.call('DEL', key)
redis.call('HSET', key, unpack(record))
redis.call('ZADD', p .. 'repeat', next_run, id)
return add_run(p, read_meta(p), {
  id = id, id_text = ARGV[3], name = ARGV[8], opts = ARGV[15], data = ARGV[16], priority = ARGV[17], lifo = ARGV[18] == '1',
}, next_run, now)
