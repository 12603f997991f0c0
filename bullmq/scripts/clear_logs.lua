-- Removes the log lines of a job but the newest. KEYS[1] is the queue's key
-- prefix; ARGV: the id, how many are kept. Replies with 0, -1 for no such job.
local key, keep = KEYS[1] .. ARGV[1], tonumber(ARGV[2])
if redis.call('EXISTS', key) == 0 then
  return -1
end
if keep > 0 then
  redis.call('LTRIM', key .. ':logs', -keep, -1)
else
  redis.call('DEL', key .. ':logs')
end
return 0
