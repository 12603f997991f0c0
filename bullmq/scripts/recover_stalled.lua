-- Gives active jobs that nobody holds a lock on back to the queue. A job counts
-- as stalled once it was active in the check before as well. KEYS[1] is the
-- queue's key prefix; ARGV: the interval in ms, how often a job may stall, now.
-- Replies with the ids of the stalled jobs, nothing if another worker checked
-- within the interval.
--@use wait
local p = KEYS[1]
if not redis.call('SET', p .. 'stalled-check', ARGV[3], 'PX', ARGV[1], 'NX') then
  return {}
end
local meta = read_meta(p)
redis.call('XTRIM', p .. 'events', 'MAXLEN', '~', meta.max_events)
local suspects = redis.call('SMEMBERS', p .. 'stalled')
local stalled = {}
redis.call('DEL', p .. 'stalled')
for _, id in ipairs(suspects) do
  local key = p .. id
  if redis.call('EXISTS', key .. ':lock') == 0 and redis.call('LREM', p .. 'active', 1, id) > 0 then
    local count = redis.call('HINCRBY', key, 'stc', 1)
    if count > tonumber(ARGV[2]) then
      -- A scheduler's job is never given up: its schedule would end with it.
      local scheduler = redis.call('HGET', key, 'rjk')
      if not scheduler or redis.call('EXISTS', p .. 'repeat:' .. scheduler) == 0 then
        redis.call('HSET', key, 'defa', 'job stalled more than allowable limit')
      end
    end
    redis.call('RPUSH', meta.wait, id)
    mark_base(p, meta)
    redis.call('XADD', p .. 'events', '*', 'event', 'waiting', 'jobId', id, 'prev', 'active')
    redis.call('XADD', p .. 'events', '*', 'event', 'stalled', 'jobId', id)
    stalled[#stalled + 1] = id
  end
end
local active = redis.call('LRANGE', p .. 'active', 0, -1)
for from = 1, #active, 4000 do
  redis.call('SADD', p .. 'stalled', unpack(active, from, math.min(from + 3999, #active)))
end
return stalled
