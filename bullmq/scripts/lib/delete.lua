--@use parent
-- Deletes everything that belongs to a job but its lock and its place in a state.
local function delete_job_keys(p, id)
  local key = p .. id
  redis.call('DEL', key, key .. ':logs', key .. ':dependencies', key .. ':processed',
    key .. ':failed', key .. ':unsuccessful')
end

-- Deletes a finished job that is no longer kept.
local function evict_job(p, id)
  local job = redis.call('HMGET', p .. id, 'parentKey', 'parent')
  delete_job_keys(p, id)
  local parent = parent_of(job[1], job[2])
  if parent then
    unlink_child(parent, p .. id)
  end
end
