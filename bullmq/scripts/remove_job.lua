-- Deletes a job and, if ARGV[2] is '1', its children, those of a large family in
-- several calls. KEYS[1] is the queue's key prefix, ARGV[1] the id, ARGV[3] '1' for
-- a further call. Replies with 1, 0 if one of the jobs is being processed, 2 if there
-- is more to remove, -1 if there is no such job, -8 if it is a scheduler's next run.
--@use shrink_family
local p, id, descend = KEYS[1], ARGV[1], ARGV[2] == '1'
local key = p .. id
if redis.call('EXISTS', key) == 0 then
  return -1
end
if is_planned(p, id, redis.call('HGET', key, 'rjk')) then
  return -8
end
local large = descend and find_large(key)
if is_locked(key, descend and not (large and ARGV[3] == '1')) then
  return 0
end
if large then
  return shrink_family(large) and 2 or 0
end
remove_tree(p, id, descend and child_keys)
return 1
