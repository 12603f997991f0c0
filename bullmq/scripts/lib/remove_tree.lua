--@use remove
-- The job keys of all children of a job, whatever became of them.
local function child_keys(key)
  local keys = redis.call('HKEYS', key .. ':processed')
  for _, more in ipairs({
    redis.call('HKEYS', key .. ':failed'),
    redis.call('ZRANGE', key .. ':unsuccessful', 0, -1),
    redis.call('SMEMBERS', key .. ':dependencies'),
  }) do
    for _, k in ipairs(more) do
      keys[#keys + 1] = k
    end
  end
  return keys
end

-- Removes a job, its children before it if children_of names them. Those in skip
-- stay.
local remove_tree
function remove_tree(p, id, children_of, skip)
  local key = p .. id
  local link = redis.call('HMGET', key, 'parentKey', 'parent')
  local parent = parent_of(link[1], link[2])
  if parent then
    unlink_child(parent, key)
  end
  if children_of then
    for _, child in ipairs(children_of(key)) do
      local cp, cid = split_key(child)
      if redis.call('EXISTS', child) == 1 and not (skip and skip(cp, cid)) then
        remove_tree(cp, cid, children_of, skip)
      end
    end
  end
  local state = remove_job(p, id)
  redis.call('XADD', p .. 'events', 'MAXLEN', '~', read_meta(p).max_events, '*',
    'event', 'removed', 'jobId', id, 'prev', state)
end
