--@use meta
-- Wakes a worker that waits for the queue's marker. A queue gives nothing out while
-- it is paused or has reached its own concurrency.
local function mark_base(p, meta)
  if meta.paused or meta.concurrency and redis.call('LLEN', p .. 'active') >= meta.concurrency then
    return
  end
  redis.call('ZADD', p .. 'marker', '0', '0')
end

-- Tells waiting workers when the next delayed job becomes due.
local function mark_delayed(p)
  local first = redis.call('ZRANGE', p .. 'delayed', 0, 0, 'WITHSCORES')
  if first[1] then
    redis.call('ZADD', p .. 'marker', tonumber(first[2]) / 4096, '1')
  end
end

-- The priority that a job's field says, 0 if it says none.
local function priority_in(value)
  local n = type(value) == 'string' and tonumber(value) or 0
  return n > -2097152 and n < 2097152 and n or 0
end

-- The priority of a stored job, 0 if what is stored is no job.
local function priority_of(key)
  return priority_in(redis.pcall('HGET', key, 'priority'))
end

-- The priority takes the upper bits of the score, a counter the lower 32, so
-- that jobs of one priority keep their order.
local function priority_score(p, priority)
  return priority * 4294967296 + redis.call('INCR', p .. 'pc') % 4294967296
end

-- Puts a job where workers take it from; front makes it the next of its kind.
local function push_waiting(p, meta, id, priority, front)
  if priority == 0 then
    redis.call(front and 'RPUSH' or 'LPUSH', meta.wait, id)
  elseif front then
    redis.call('ZADD', p .. 'prioritized', priority * 4294967296, id)
  else
    redis.call('ZADD', p .. 'prioritized', priority_score(p, priority), id)
  end
end
