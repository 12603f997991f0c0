--@use promote_due
-- The rate limit of this fetch: how many jobs may start within how many ms. The
-- queue's own number goes before the worker's, the worker's duration before the
-- queue's.
local function rate_limit(meta)
  return { max = meta.max or tonumber(ARGV[6]), duration = tonumber(ARGV[7]) or meta.duration or 1000 }
end

-- How many jobs may be given out: what is wanted, less what the queue's own
-- concurrency and the rate limit leave. The second value is for how many ms the
-- queue is rate limited.
local function fetch_allowance(p, meta, limit, wanted)
  if limit.max then
    local used = tonumber(redis.call('GET', p .. 'limiter')) or 0
    if used >= limit.max then
      local ttl = redis.call('PTTL', p .. 'limiter')
      if ttl > 0 then
        return 0, ttl
      end
      redis.call('DEL', p .. 'limiter')
      used = 0
    end
    wanted = math.min(wanted, limit.max - used)
  end
  if meta.paused then
    return 0, 0
  end
  if meta.concurrency then
    wanted = math.min(wanted, meta.concurrency - redis.call('LLEN', p .. 'active'))
  end
  return math.max(wanted, 0), 0
end

-- Takes up to n ids into active, those without a priority first.
local function take_ids(p, n)
  local ids = {}
  repeat
    local popped = redis.call('RPOP', p .. 'wait', n - #ids) or {}
    for _, id in ipairs(popped) do
      -- Very old producers left markers among the ids; they begin with "0:".
      if string.sub(id, 1, 2) ~= '0:' then
        ids[#ids + 1] = id
      end
    end
  until #ids == n or #popped == 0
  if #ids < n then
    local popped = redis.call('ZPOPMIN', p .. 'prioritized', n - #ids)
    for i = 1, #popped, 2 do
      ids[#ids + 1] = popped[i]
    end
    if #popped == 0 then
      redis.call('DEL', p .. 'pc')
    end
  end
  for from = 1, #ids, 4000 do
    redis.call('LPUSH', p .. 'active', unpack(ids, from, math.min(from + 3999, #ids)))
  end
  return ids
end

local function count_rate(p, limit, started)
  if not limit.max or started == 0 then
    return
  end
  if redis.call('INCRBY', p .. 'limiter', started) == started then
    redis.call('PEXPIRE', p .. 'limiter', limit.duration)
  end
end

-- Gives out jobs. Replies with pairs of id and hash, the ms of the rate limit,
-- the due time of the next delayed job if nothing was given, whether that was for
-- want of jobs, and the ids that were dropped since there is no job behind them.
local function fetch_jobs(p, meta, now, wanted, token, lock_ms, worker)
  promote_due(p, meta, now)
  local limit = rate_limit(meta)
  local allowed, limited = fetch_allowance(p, meta, limit, wanted)
  if allowed == 0 then
    return {}, limited, 0, false, {}
  end
  local ids, jobs, dropped, started = take_ids(p, allowed), {}, {}, 0
  for _, id in ipairs(ids) do
    local key = p .. id
    local hash = redis.pcall('HGETALL', key)
    if hash.err or #hash == 0 then
      redis.call('LREM', p .. 'active', '1', id)
      dropped[#dropped + 1] = id
    else
      local attempts, deferred = '1', false
      -- A job that nobody has run yet has no more than its first six fields.
      for i = #hash > 12 and 1 or #hash, #hash, 2 do
        if hash[i] == 'ats' then
          attempts = string.format('%d', (tonumber(hash[i + 1]) or 0) + 1)
        elseif hash[i] == 'defa' then
          deferred = true
        end
      end
      if token ~= '0' then
        redis.call('SET', key .. ':lock', token, 'PX', lock_ms)
      end
      redis.call('XADD', p .. 'events', '*', 'event', 'active', 'jobId', id, 'prev', 'waiting')
      if worker == '' then
        redis.call('HSET', key, 'processedOn', ARGV[1], 'ats', attempts)
      else
        redis.call('HSET', key, 'processedOn', ARGV[1], 'ats', attempts, 'pb', worker)
      end
      if not deferred then
        started = started + 1
      end
      jobs[#jobs + 1] = id
      jobs[#jobs + 1] = hash
    end
  end
  count_rate(p, limit, started)
  if #jobs > 0 then
    redis.call('ZADD', p .. 'marker', '0', '0')
    return jobs, 0, 0, false, dropped
  end
  local first = redis.call('ZRANGE', p .. 'delayed', 0, 0, 'WITHSCORES')
  return jobs, 0, first[1] and tonumber(first[2]) / 4096 or 0, true, dropped
end
