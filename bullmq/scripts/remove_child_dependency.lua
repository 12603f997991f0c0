-- Parts a child from its parent, which no longer waits for it. KEYS[1] is the
-- child's key prefix; ARGV: its id, the parent's key. Replies with 0, 1 if the
-- parent does not wait for it, -1 if there is no such job, -5 no such parent.
--@use parent
local key, parent_key = KEYS[1] .. ARGV[1], ARGV[2]
if redis.call('EXISTS', key) == 0 then
  return -1
end
if redis.call('EXISTS', parent_key) == 0 then
  return -5
end
if redis.call('SISMEMBER', parent_key .. ':dependencies', key) == 0 then
  return 1
end
unlink_child(parent_of(parent_key, redis.call('HGET', key, 'parent')), key)
redis.call('HDEL', key, 'parentKey', 'parent')
return 0
