--@use wait
--@use delayed
-- Puts a job of a batch in its first state, delayed or prioritized or in front of
-- those that wait. Markers are left to the end of the batch.
local function place_job(batch, id, job)
  local p, delay, priority = batch.p, tonumber(job.delay), tonumber(job.priority)
  if delay <= 0 then
    -- A priority goes before lifo.
    push_waiting(p, batch.meta, id, priority, priority == 0 and job.lifo)
    batch.wake = true
    redis.call('XADD', p .. 'events', '*', 'event', 'waiting', 'jobId', id)
    return
  end
  local due = tonumber(job.timestamp) + delay
  if batch.due == due then
    batch.score = math.min(batch.score + 1, due * 4096 + 4095)
  else
    batch.due, batch.score = due, delayed_score(p, due)
  end
  redis.call('ZADD', p .. 'delayed', batch.score, id)
  redis.call('XADD', p .. 'events', '*', 'event', 'delayed', 'jobId', id, 'delay', due)
end
