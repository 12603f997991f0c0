--@use wait
--@use delayed
-- Puts a stored job in its first state: delayed, prioritized or waiting.
local function enqueue_job(p, meta, id, job)
  local delay, priority = tonumber(job.delay), tonumber(job.priority)
  if delay > 0 then
    local due = tonumber(job.timestamp) + delay
    redis.call('ZADD', p .. 'delayed', delayed_score(p, due), id)
    redis.call('XADD', p .. 'events', 'MAXLEN', '~', meta.max_events, '*',
      'event', 'delayed', 'jobId', id, 'delay', due)
    mark_delayed(p)
    return
  end
  -- A priority goes before lifo.
  push_waiting(p, meta, id, priority, priority == 0 and job.lifo)
  mark_base(p, meta)
  redis.call('XADD', p .. 'events', 'MAXLEN', '~', meta.max_events, '*', 'event', 'waiting', 'jobId', id)
end
