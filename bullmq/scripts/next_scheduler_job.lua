-- Adds the run that follows the one a worker has just taken. KEYS[1] is the
-- queue's key prefix; ARGV: now, scheduler id, the same as JSON without quotes,
-- id of the job that was taken, next run of a pattern or '', the job's options,
-- priority, '1' for lifo. Replies with the id of the new job, '' if the
-- scheduler is gone, has moved on, or has added that run already, -1 if its
-- record is of an older kind, or damaged.
--@use scheduler
local p, now, id = KEYS[1], tonumber(ARGV[1]), ARGV[2]
local prev = tonumber(redis.call('ZSCORE', p .. 'repeat', id))
local key = p .. 'repeat:' .. id
local record = redis.call('HMGET', key, 'name', 'data', 'every', 'offset', 'ic')
-- A record without a count is of an older kind, which has rules of its own.
if prev and not record[5] then
  return -1
end
if not prev or ARGV[4] ~= run_id(id, prev) then
  return ''
end
local next_run = tonumber(ARGV[5])
if not next_run then
  local every = tonumber(record[3])
  if not every or every < 1 or every > 9007199254740991 then
    return -1
  end
  next_run = following_slot(prev, every, tonumber(record[4]) or 0, now)
end
local next_id = run_id(id, next_run)
if redis.call('EXISTS', p .. next_id) == 1 then
  redis.call('XADD', p .. 'events', '*', 'event', 'duplicated', 'jobId', next_id)
  return ''
end
redis.call('ZADD', p .. 'repeat', next_run, id)
redis.call('HINCRBY', key, 'ic', 1)
return add_run(p, read_meta(p), {
  id = id, id_text = ARGV[3], name = record[1], data = record[2] or '{}', opts = ARGV[6],
  priority = ARGV[7], lifo = ARGV[8] == '1',
}, next_run, now)
