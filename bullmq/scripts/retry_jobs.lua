-- Puts finished jobs back to wait, the oldest first. KEYS[1] is the queue's key
-- prefix; ARGV: the state they are in, the latest time in ms at which they
-- finished, how many at most. Replies with their number.
--@use retry
local p, state = KEYS[1], ARGV[1]
local ids = redis.call('ZRANGEBYSCORE', p .. state, '-inf', ARGV[2], 'LIMIT', 0, ARGV[3])
if #ids == 0 then
  return 0
end
local meta = read_meta(p)
redis.call('ZREM', p .. state, unpack(ids))
for _, id in ipairs(ids) do
  if redis.call('EXISTS', p .. id) == 1 then
    retry_finished(p, meta, id, state, false)
  end
end
mark_base(p, meta)
return #ids
