-- Deletes a job that was found in no state. KEYS[1] is the queue's key prefix,
-- ARGV[1] the id. Replies with 1, or 0 if the job is in a state after all: one that
-- has come since is near an end of a list.
--@use delete
local p, id = KEYS[1], ARGV[1]
for _, set in ipairs({ 'completed', 'failed', 'delayed', 'prioritized', 'waiting-children' }) do
  if redis.call('ZSCORE', p .. set, id) then
    return 0
  end
end
for _, list in ipairs({ 'active', 'wait', 'paused' }) do
  for _, from in ipairs({ '1', '-1' }) do
    if redis.call('LPOS', p .. list, id, 'RANK', from, 'MAXLEN', '50000') then
      return 0
    end
  end
end
if redis.call('EXISTS', p .. id) == 1 and redis.call('TYPE', p .. id).ok ~= 'hash' then
  return 0
end
redis.call('DEL', p .. id .. ':lock')
delete_job_keys(p, id)
return 1
