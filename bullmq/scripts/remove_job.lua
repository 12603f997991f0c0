-- Deletes a job and, if ARGV[2] is '1', its children. KEYS[1] is the queue's key
-- prefix, ARGV[1] the id. Replies with 1, 0 if one of the jobs is being
-- processed, -1 if there is no such job, -8 if it is a scheduler's next run.
--@use remove_tree
local p, id, descend = KEYS[1], ARGV[1], ARGV[2] == '1'
if redis.call('EXISTS', p .. id) == 0 then
  return -1
end
if is_planned(p, id, redis.call('HGET', p .. id, 'rjk')) then
  return -8
end
if is_locked(p .. id, descend) then
  return 0
end
remove_tree(p, id, descend and child_keys)
return 1
