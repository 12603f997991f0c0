-- Deletes a job that is in no state. KEYS[1] is the queue's key prefix, ARGV[1]
-- the id. Replies with 1, or 0 if the job is in a state after all.
--@use delete
--@use state
local p, id = KEYS[1], ARGV[1]
if find_state(p, id) then
  return 0
end
if redis.call('EXISTS', p .. id) == 1 and redis.call('TYPE', p .. id).ok ~= 'hash' then
  return 0
end
redis.call('DEL', p .. id .. ':lock')
delete_job_keys(p, id)
return 1
