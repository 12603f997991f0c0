-- Puts a finished job back to wait. KEYS[1] is the queue's key prefix; ARGV: the
-- id, the state it is in, '1' for lifo, '1' to forget the attempts made, '1' to
-- forget those started.
--@use retry
local p, id, state = KEYS[1], ARGV[1], ARGV[2]
local key = p .. id
if redis.call('EXISTS', key) == 0 then
  return -1
end
if redis.call('ZREM', p .. state, id) == 0 then
  return -3
end
if ARGV[4] == '1' then
  redis.call('HDEL', key, 'atm')
end
if ARGV[5] == '1' then
  redis.call('HDEL', key, 'ats')
end
local meta = read_meta(p)
retry_finished(p, meta, id, state, ARGV[3] == '1')
mark_base(p, meta)
return 0
