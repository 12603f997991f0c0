-- Appends a line to a job's log. KEYS[1] is the queue's key prefix; ARGV: the
-- id, the line, how many of the newest lines are kept, 0 for all. Replies with
-- the number of lines.
local key = KEYS[1] .. ARGV[1]
if redis.call('EXISTS', key) == 0 then
  return -1
end
local count = redis.call('RPUSH', key .. ':logs', ARGV[2])
local keep = tonumber(ARGV[3])
if keep > 0 and count > keep then
  redis.call('LTRIM', key .. ':logs', -keep, -1)
  return keep
end
return count
