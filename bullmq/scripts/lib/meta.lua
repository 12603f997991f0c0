-- The list of jobs that wait. Version 5 of BullMQ has another one for a paused
-- queue and writes it over the usual one as it resumes the queue, so that jobs in
-- that would be lost: what is added to a queue that it has paused goes there.
local function waiting_list(p, paused, version)
  if paused and (string.find(version or '', '^bullmq:5%.') or redis.call('EXISTS', p .. 'paused') == 1) then
    return p .. 'paused'
  end
  return p .. 'wait'
end

-- Reads the queue's metadata, once per script.
local function read_meta(p)
  local m = redis.call('HMGET', p .. 'meta', 'paused', 'concurrency', 'max', 'duration',
    'opts.maxLenEvents', 'version')
  return {
    paused = m[1] and true or false,
    wait = waiting_list(p, m[1], m[6]),
    concurrency = tonumber(m[2]),
    max = tonumber(m[3]),
    duration = tonumber(m[4]),
    max_events = m[5] or '10000',
    is_set_up = m[5] and true or false,
  }
end

-- Gives a queue that is used for the first time the default length of its event
-- stream, and with it the metadata by which it is found.
local function set_up(p, meta)
  if not meta.is_set_up then
    redis.call('HSET', p .. 'meta', 'opts.maxLenEvents', meta.max_events)
    meta.is_set_up = true
  end
end

-- A queue gives nothing out while it is paused or has reached its own concurrency.
local function is_closed(p, meta)
  if meta.paused then
    return true
  end
  return meta.concurrency ~= nil and redis.call('LLEN', p .. 'active') >= meta.concurrency
end
