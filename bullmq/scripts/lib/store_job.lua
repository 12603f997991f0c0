-- Writes a new job's hash and announces it. The optional fields are given in
-- pairs of name and value.
local function store_job(p, id, job, optional)
  redis.call('HSET', p .. id, 'name', job.name, 'data', job.data, 'opts', job.opts,
    'timestamp', job.timestamp, 'delay', job.delay, 'priority', job.priority, unpack(optional))
  redis.call('XADD', p .. 'events', '*', 'event', 'added', 'jobId', id, 'name', job.name)
end
