-- Lets go of a deduplication id if a job owns it. KEYS[1] is the queue's key
-- prefix; ARGV: the deduplication id, the job's id. Replies with 1 or 0.
local key = KEYS[1] .. 'de:' .. ARGV[1]
if redis.call('GET', key) ~= ARGV[2] then
  return 0
end
return redis.call('DEL', key)
