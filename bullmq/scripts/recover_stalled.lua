-- Gives active jobs that nobody holds a lock on back to the queue. A job counts
-- as stalled once it was active in the check before as well. KEYS[1] is the
-- queue's key prefix; ARGV: the interval in ms, how often a job may stall, now, '1'
-- to go on with a check that was left unfinished.
-- Replies with the ids of the stalled jobs, none if another worker checked within
-- the interval, and with 1 if there are more to look at.
--@use wait
--@use leave_active
local p = KEYS[1]
if ARGV[4] ~= '1' and not redis.call('SET', p .. 'stalled-check', ARGV[3], 'PX', ARGV[1], 'NX') then
  return { {}, 0 }
end
local meta = read_meta(p)
redis.call('XTRIM', p .. 'events', 'MAXLEN', '~', meta.max_events)

local function unlocked(ids)
  local keys, free = {}, {}
  for n, id in ipairs(ids) do
    keys[n] = p .. id .. ':lock'
  end
  for n, token in ipairs(#ids > 0 and redis.call('MGET', unpack(keys)) or {}) do
    -- What is no string is a lock of another kind.
    if not token and redis.call('EXISTS', keys[n]) == 0 then
      free[#free + 1] = ids[n]
    end
  end
  return free
end

local suspects = unlocked(redis.call('SPOP', p .. 'stalled', 40))
local left, stalled = leave_active(p, suspects), {}
for _, id in ipairs(suspects) do
  local key = p .. id
  if left[id] then
    if redis.call('HINCRBY', key, 'stc', 1) > tonumber(ARGV[2]) then
      -- A scheduler's job is never given up: its schedule would end with it.
      local scheduler = redis.call('HGET', key, 'rjk')
      if not scheduler or redis.call('EXISTS', p .. 'repeat:' .. scheduler) == 0 then
        redis.call('HSET', key, 'defa', 'job stalled more than allowable limit')
      end
    end
    redis.call('XADD', p .. 'events', '*', 'event', 'waiting', 'jobId', id, 'prev', 'active')
    redis.call('XADD', p .. 'events', '*', 'event', 'stalled', 'jobId', id)
    stalled[#stalled + 1] = id
  end
end
if #stalled > 0 then
  redis.call('RPUSH', meta.wait, unpack(stalled))
  mark_base(p, meta)
end
if redis.call('EXISTS', p .. 'stalled') == 1 then
  return { stalled, 1 }
end
local active = redis.call('LRANGE', p .. 'active', 0, -1)
for from = 1, #active, 4000 do
  redis.call('SADD', p .. 'stalled', unpack(active, from, math.min(from + 3999, #active)))
end
return { stalled, 0 }
