-- Deletes a job and, if ARGV[2] is '1', its children. KEYS[1] is the queue's key
-- prefix, ARGV[1] the id. Replies with 1, 0 if one of the jobs is being
-- processed, -1 if there is no such job, -8 if it is a scheduler's next run.
--@use remove
local p, id, descend = KEYS[1], ARGV[1], ARGV[2] == '1'
if redis.call('EXISTS', p .. id) == 0 then
  return -1
end
local scheduler = redis.call('HGET', p .. id, 'rjk')
if scheduler then
  local next_run = redis.call('ZSCORE', p .. 'repeat', scheduler)
  if next_run and id == 'repeat:' .. scheduler .. ':' .. next_run then
    return -8
  end
end
if is_locked(p .. id, descend) then
  return 0
end

local remove_tree
function remove_tree(tp, tid)
  local key = tp .. tid
  local link = redis.call('HMGET', key, 'parentKey', 'parent')
  local parent = parent_of(link[1], link[2])
  if parent then
    unlink_child(parent, key)
  end
  if descend then
    for _, child in ipairs(child_keys(key)) do
      local cp, cid = split_key(child)
      if redis.call('EXISTS', child) == 1 then
        remove_tree(cp, cid)
      end
    end
  end
  local state = remove_job(tp, tid)
  redis.call('XADD', tp .. 'events', 'MAXLEN', '~', read_meta(tp).max_events, '*',
    'event', 'removed', 'jobId', tid, 'prev', state)
end

remove_tree(p, id)
return 1
