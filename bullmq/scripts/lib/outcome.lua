--@use keep
--@use dedup
--@use promote_due
local OUTCOME_WIDTH = 11

-- Reads the outcomes from ARGV[first] on and checks what can be checked for all
-- of them at once: their locks, and whether any job has children at all.
local function read_outcomes(p, first)
  local outcomes, locks, children = {}, {}, {}
  for i = first, #ARGV, OUTCOME_WIDTH do
    local key = p .. ARGV[i + 1]
    outcomes[#outcomes + 1] = {
      kind = ARGV[i], id = ARGV[i + 1], token = ARGV[i + 2], value = ARGV[i + 3], stack = ARGV[i + 4],
      keep_count = tonumber(ARGV[i + 5]), keep_age = tonumber(ARGV[i + 6]), keep_limit = tonumber(ARGV[i + 7]),
      attempts = tonumber(ARGV[i + 8]), delay = tonumber(ARGV[i + 9]), lifo = ARGV[i + 10] == '1', key = key,
    }
    locks[#locks + 1] = key .. ':lock'
    if ARGV[i] == 'completed' then
      children[#children + 1] = key .. ':dependencies'
      children[#children + 1] = key .. ':unsuccessful'
    end
  end
  if #outcomes == 0 then
    return outcomes
  end
  local held = redis.call('MGET', unpack(locks))
  local any_children = #children > 0 and redis.call('EXISTS', unpack(children)) > 0
  for i, o in ipairs(outcomes) do
    o.lock, o.lock_key, o.check_children = held[i], locks[i], any_children and o.kind == 'completed'
  end
  return outcomes
end

-- The result code of an outcome that may not be applied, or nil. Fills in what
-- the job's hash says.
local function refuse(p, o)
  local h = redis.call('HMGET', o.key, 'timestamp', 'atm', 'attemptsMade', 'parentKey', 'parent', 'deid', 'priority')
  if not h[1] and redis.call('EXISTS', o.key) == 0 then
    return -1
  end
  o.made = tonumber(h[3] or h[2]) or 0
  o.parent = parent_of(h[4], h[5])
  o.dedup_id, o.priority = h[6], tonumber(h[7]) or 0
  if o.check_children then
    if redis.call('SCARD', o.key .. ':dependencies') > 0 then
      return -4
    end
    if redis.call('ZCARD', o.key .. ':unsuccessful') > 0 then
      return -9
    end
  end
  if o.token ~= '0' and o.lock ~= o.token then
    return o.lock and -6 or -2
  end
  return nil
end

local function finish_completed(p, meta, now, o)
  if o.parent then
    parent_child_completed(o.parent, o.key, o.value, now)
  end
  if o.keep_count ~= 0 then
    redis.call('HSET', o.key, 'atm', o.made + 1, 'returnvalue', o.value, 'finishedOn', o.now)
    redis.call('ZADD', p .. 'completed', o.now, o.id)
  else
    delete_job_keys(p, o.id)
  end
  redis.call('XADD', p .. 'events', '*', 'event', 'completed', 'jobId', o.id, 'returnvalue', o.value, 'prev', 'active')
end

local function finish_failed(p, meta, now, o)
  if o.parent then
    parent_child_failed(o.parent, o.key, o.value, now)
  end
  if o.keep_count ~= 0 then
    redis.call('HSET', o.key, 'atm', o.made + 1, 'failedReason', o.value, 'stacktrace', o.stack, 'finishedOn', o.now)
    redis.call('HDEL', o.key, 'defa')
    redis.call('ZADD', p .. 'failed', o.now, o.id)
  else
    delete_job_keys(p, o.id)
    if o.parent then
      unlink_child(o.parent, o.key)
    end
  end
  redis.call('XADD', p .. 'events', '*', 'event', 'failed', 'jobId', o.id, 'failedReason', o.value, 'prev', 'active')
  if o.made + 1 >= o.attempts then
    redis.call('XADD', p .. 'events', '*', 'event', 'retries-exhausted', 'jobId', o.id, 'attemptsMade', o.made + 1)
  end
end

local function move_to_delayed(p, meta, now, o)
  local due = now + o.delay
  redis.call('HSET', o.key, 'delay', string.format('%.0f', o.delay))
  redis.call('ZADD', p .. 'delayed', delayed_score(p, due), o.id)
  redis.call('XADD', p .. 'events', 'MAXLEN', '~', meta.max_events, '*', 'event', 'delayed', 'jobId', o.id, 'delay', due)
  mark_delayed(p)
end

local function retry_failed(p, meta, now, o)
  redis.call('HSET', o.key, 'failedReason', o.value, 'stacktrace', o.stack, 'atm', o.made + 1)
  if o.delay > 0 then
    move_to_delayed(p, meta, now, o)
    return
  end
  -- Delayed jobs that are due were there before this one.
  promote_due(p, meta, now)
  push_waiting(p, o.id, o.priority, o.priority == 0 and o.lifo)
  mark_base(p, meta)
  redis.call('XADD', p .. 'events', 'MAXLEN', '~', meta.max_events, '*',
    'event', 'waiting', 'jobId', o.id, 'prev', 'active')
end

local function release_unfinished(p, meta, now, o)
  push_waiting(p, o.id, o.priority, true)
  if o.priority == 0 then
    mark_base(p, meta)
  end
  redis.call('XADD', p .. 'events', 'MAXLEN', '~', meta.max_events, '*',
    'event', 'waiting', 'jobId', o.id, 'prev', 'active')
end

local apply_outcome = {
  completed = finish_completed,
  failed = finish_failed,
  retry = retry_failed,
  delayed = move_to_delayed,
  released = release_unfinished,
}

-- Applies the outcomes whose values begin at ARGV[first] and replies with a
-- result code for each.
local function finish_jobs(p, meta, now, first)
  local outcomes, codes = read_outcomes(p, first), {}
  if #outcomes == 0 then
    return codes
  end
  local now_text = ARGV[1]
  local released, ended, keep = {}, {}, {}
  for i, o in ipairs(outcomes) do
    o.now = now_text
    codes[i] = refuse(p, o) or 0
    if codes[i] == 0 and o.token ~= '0' then
      released[#released + 1] = o.lock_key
      ended[#ended + 1] = o.id
    end
  end
  if #released > 0 then
    redis.call('DEL', unpack(released))
    redis.call('SREM', p .. 'stalled', unpack(ended))
  end
  redis.call('XTRIM', p .. 'events', 'MAXLEN', '~', meta.max_events)
  for i, o in ipairs(outcomes) do
    if codes[i] == 0 and redis.call('LREM', p .. 'active', -1, o.id) == 0 then
      codes[i] = -3
    elseif codes[i] == 0 then
      local finishes = o.kind == 'completed' or o.kind == 'failed'
      if finishes and o.dedup_id then
        release_dedup(p, meta, o.dedup_id, o.id, now)
      end
      apply_outcome[o.kind](p, meta, now, o)
      if finishes and (o.keep_count > 0 or o.keep_age > 0) then
        keep[o.kind] = o
      end
    end
  end
  -- What is kept depends on the newest end of each kind only.
  for kind, o in pairs(keep) do
    apply_keep(p, kind, o.keep_count, o.keep_age, o.keep_limit, now)
  end
  return codes
end
