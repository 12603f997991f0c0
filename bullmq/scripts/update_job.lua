-- Sets one field of a job that exists. KEYS[1] is the queue's key prefix; ARGV:
-- the id, the field, its value, '1' to announce it as the job's progress.
--@use meta
local p, key = KEYS[1], KEYS[1] .. ARGV[1]
if redis.call('EXISTS', key) == 0 then
  return -1
end
redis.call('HSET', key, ARGV[2], ARGV[3])
if ARGV[4] == '1' then
  redis.call('XADD', p .. 'events', 'MAXLEN', '~', read_meta(p).max_events, '*',
    'event', 'progress', 'jobId', ARGV[1], 'data', ARGV[3])
end
return 0
