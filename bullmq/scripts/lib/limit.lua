-- How many jobs a limited queue may give out, of those that are wanted: as many as
-- its own concurrency and the rate limit leave. The second value is for how many ms
-- the queue is rate limited.
local function fetch_allowance(p, meta, limit, wanted)
  if limit.max then
    local count = redis.pcall('GET', p .. 'limiter')
    local used = 0
    if type(count) == 'string' and string.find(count, '^%d+$') then
      used = tonumber(count)
    elseif count then
      redis.call('DEL', p .. 'limiter') -- It is no counter.
    end
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

-- Counts jobs that have been given out.
local function count_rate(p, limit, started)
  if started > 0 and redis.call('INCRBY', p .. 'limiter', started) == started then
    redis.call('PEXPIRE', p .. 'limiter', limit.duration)
  end
end
