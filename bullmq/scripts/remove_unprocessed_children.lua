-- Deletes the children of a job that have not finished and are not being
-- processed, with what is below them. KEYS[1] is the queue's key prefix, ARGV[1]
-- the id. Replies with 0, or -1 if there is no such job.
--@use remove_tree
local key = KEYS[1] .. ARGV[1]
if redis.call('EXISTS', key) == 0 then
  return -1
end
local function pending(of)
  return redis.call('SMEMBERS', of .. ':dependencies')
end
local function is_busy(p, id)
  return is_locked(p .. id, false) or redis.call('ZSCORE', p .. 'failed', id)
end
for _, child in ipairs(pending(key)) do
  local p, id = split_key(child)
  if redis.call('EXISTS', child) == 1 and not is_busy(p, id) then
    remove_tree(p, id, pending, is_busy)
  end
end
return 0
