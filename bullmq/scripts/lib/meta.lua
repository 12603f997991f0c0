-- Reads the queue's metadata, once per script. A queue that nobody has set up
-- yet gets the default length of its event stream.
local function read_meta(p)
  local m = redis.call('HMGET', p .. 'meta', 'paused', 'concurrency', 'max', 'duration', 'opts.maxLenEvents')
  if not m[5] then
    redis.call('HSET', p .. 'meta', 'opts.maxLenEvents', '10000')
    m[5] = '10000'
  end
  return {
    paused = m[1] and true or false,
    concurrency = tonumber(m[2]),
    max = tonumber(m[3]),
    duration = tonumber(m[4]),
    max_events = m[5],
  }
end

-- A queue gives nothing out while it is paused or has reached its own concurrency.
local function is_closed(p, meta)
  if meta.paused then
    return true
  end
  return meta.concurrency ~= nil and redis.call('LLEN', p .. 'active') >= meta.concurrency
end
