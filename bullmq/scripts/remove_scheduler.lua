-- Removes a job scheduler and the run it has planned, if that is still delayed.
-- KEYS[1] is the queue's key prefix, ARGV[1] the scheduler's id. Replies with 0,
-- or 1 if there is none.
--@use meta
--@use delete
local p, id = KEYS[1], ARGV[1]
local planned = redis.call('ZSCORE', p .. 'repeat', id)
if planned then
  local job_id = 'repeat:' .. id .. ':' .. planned
  if redis.call('ZREM', p .. 'delayed', job_id) == 1 then
    delete_job_keys(p, job_id)
    redis.call('XADD', p .. 'events', 'MAXLEN', '~', read_meta(p).max_events, '*',
      'event', 'removed', 'jobId', job_id, 'prev', 'delayed')
  end
end
local known = redis.call('ZREM', p .. 'repeat', id)
redis.call('DEL', p .. 'repeat:' .. id)
return known == 1 and 0 or 1
