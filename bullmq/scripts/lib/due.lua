-- The delayed jobs whose time has come, so many that a call stays short. The marker
-- brings the next call if there are more.
local function due_jobs(p, now)
  return redis.call('ZRANGEBYSCORE', p .. 'delayed', '-inf', (now + 1) * 4096 - 1, 'LIMIT', '0', '300')
end
