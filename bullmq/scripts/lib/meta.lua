-- Reads the queue's metadata, once per script.
local function read_meta(p)
  local m = redis.call('HMGET', p .. 'meta', 'paused', 'concurrency', 'max', 'duration',
    'opts.maxLenEvents', 'version')
  local wait = p .. 'wait'
  -- Version 5 of BullMQ keeps the waiting jobs of a paused queue in another list,
  -- and writes that over the usual one as it resumes the queue, so that jobs in the
  -- usual one would be lost. In a queue that it has paused, or may have, jobs wait
  -- there; those that came before go along, a bounded number a call.
  if m[1] and (string.find(m[6] or '', '^bullmq:5%.') or redis.call('EXISTS', p .. 'paused') == 1) then
    local waiting = redis.call('LPOP', wait, 4000)
    wait = p .. 'paused'
    if waiting then
      redis.call('RPUSH', wait, unpack(waiting))
    end
  end
  return {
    paused = m[1] and true or false,
    wait = wait,
    concurrency = tonumber(m[2]),
    max = tonumber(m[3]),
    duration = tonumber(m[4]),
    max_events = m[5] and (tonumber(m[5]) or -1) >= 0 and m[5] or '10000',
    is_set_up = m[5] and true or false,
  }
end
