--@use parent
-- Puts a job that has been taken out of its finished state back to wait.
local function retry_finished(p, meta, id, state, lifo)
  local key = p .. id
  local job = redis.call('HMGET', key, 'priority', 'parentKey', 'parent')
  redis.call('HDEL', key, 'finishedOn', 'processedOn', state == 'completed' and 'returnvalue' or 'failedReason')
  local priority = tonumber(job[1]) or 0
  push_waiting(p, meta, id, priority, priority == 0 and lifo)
  local parent = parent_of(job[2], job[3])
  if parent then
    relink_child(parent, key, state)
  end
  redis.call('XADD', p .. 'events', 'MAXLEN', '~', meta.max_events, '*', 'event', 'waiting', 'jobId', id, 'prev', state)
end
