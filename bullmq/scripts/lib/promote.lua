--@use wait
-- Moves the delayed jobs that are due first, whose ids are given, to where workers
-- take them from.
local function promote(p, meta, ids)
  redis.call('ZREMRANGEBYRANK', p .. 'delayed', '0', #ids - 1)
  local events, plain = p .. 'events', {}
  for _, id in ipairs(ids) do
    local key = p .. id
    local job = redis.pcall('HMGET', key, 'priority', 'delay')
    local priority = priority_in(job[1])
    if priority == 0 then
      plain[#plain + 1] = id
    else
      push_waiting(p, meta, id, priority, false)
    end
    redis.call('XADD', events, '*', 'event', 'waiting', 'jobId', id, 'prev', 'delayed')
    if job[2] or not job.err and redis.call('EXISTS', key) == 1 then
      redis.call('HSET', key, 'delay', '0')
    end
  end
  if #plain > 0 then
    redis.call('LPUSH', meta.wait, unpack(plain))
  end
  mark_base(p, meta)
end
