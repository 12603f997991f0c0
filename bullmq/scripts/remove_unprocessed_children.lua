-- Deletes children of a job that have not finished and are not being processed, with
-- what is below them. KEYS[1] is the queue's key prefix, ARGV[1] the id, ARGV[2] the
-- cursor of the scan through the children, '0' to begin. Replies with the next
-- cursor, 0 at the end, or -1 if there is no such job.
--@use shrink_family
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
local page
if ARGV[2] == '0' and redis.call('SCARD', key .. ':dependencies') <= large_family then
  page = { 0, pending(key) }
else
  page = redis.call('SSCAN', key .. ':dependencies', ARGV[2], 'COUNT', large_family)
end
for _, child in ipairs(page[2]) do
  local p, id = split_key(child)
  if redis.call('EXISTS', child) == 1 and not is_busy(p, id) then
    remove_tree(p, id, pending, is_busy)
  end
end
return page[1]
