--@use parent
-- A job of this id exists: it stays as it is, but a parent given now is linked
-- to it. Replies with the id or a result code.
local function add_duplicate(p, id, parent, in_flow, now)
  local key = p .. id
  local old = redis.call('HMGET', key, 'parentKey', 'returnvalue')
  if parent and old[1] and old[1] ~= parent.key and redis.call('EXISTS', old[1]) == 1 then
    return -7
  end
  if parent then
    if redis.call('ZSCORE', p .. 'completed', id) then
      redis.call('HSET', parent.key .. ':processed', key, old[2] or 'null')
      if not in_flow then
        release_parent_if_done(parent, now)
      end
    else
      redis.call('SADD', parent.key .. ':dependencies', key)
    end
    redis.call('HSET', key, 'parentKey', parent.key, 'parent', parent.json)
  end
  redis.call('XADD', p .. 'events', '*', 'event', 'duplicated', 'jobId', id)
  return id
end
