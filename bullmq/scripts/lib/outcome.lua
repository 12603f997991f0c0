--@use keep
--@use dedup_release
--@use promote_due
--@use metrics
-- How many values each job of a group has, by what became of it.
local outcome_width = { completed = 2, failed = 4, retry = 4, ['waiting-children'] = 2, delayed = 1, released = 1 }

-- Attempts that ended alike are reported as a group: ARGV has what they share,
-- then what each one says for itself.
local function read_group(i)
  return {
    kind = ARGV[i], token = ARGV[i + 1], made = ARGV[i + 2], attempts = tonumber(ARGV[i + 3]),
    keep_count = tonumber(ARGV[i + 4]), keep_age = tonumber(ARGV[i + 5]), keep_limit = tonumber(ARGV[i + 6]),
    delay = tonumber(ARGV[i + 7]), lifo = ARGV[i + 8] == '1', size = tonumber(ARGV[i + 9]),
    first = i + 10, width = outcome_width[ARGV[i]],
  }
end

-- What keeps a job with children from its end: a completed one must have none
-- that are unfinished or failed, and one that is to wait for children, or for one
-- of them, must have it to wait for.
local function check_children(key, kind, child)
  local dependencies = key .. ':dependencies'
  if kind == 'completed' and redis.call('EXISTS', dependencies) == 1 then
    return -4
  end
  if redis.call('EXISTS', key .. ':unsuccessful') == 1 then
    return -9
  end
  if kind == 'completed' then
    return 0
  end
  if child == '' then
    return redis.call('EXISTS', dependencies) == 1 and 0 or 1
  end
  return redis.call('SISMEMBER', dependencies, child) == 1 and 0 or 1
end

-- The code of a job whose lock is not the reporter's.
local function check_lock(key, held, token)
  if redis.call('EXISTS', key) == 0 then
    return -1
  end
  if token == '0' then
    return 0
  end
  return held and -6 or -2
end

-- Fills in the codes of the jobs that may not be reported: those whose lock is
-- not the reporter's, and those that their children keep from it. Locks of the
-- others are released; replies with their ids.
local function check_jobs(p, groups, codes)
  local ids, locks, group_of, at, children = {}, {}, {}, {}, {}
  for _, g in ipairs(groups) do
    local completed = g.kind == 'completed'
    for i = g.first, g.first + (g.size - 1) * g.width, g.width do
      local id = ARGV[i]
      local n = #ids + 1
      ids[n], locks[n], group_of[n], at[n] = id, p .. id .. ':lock', g, i
      if completed then
        children[#children + 1] = p .. id .. ':dependencies'
        children[#children + 1] = p .. id .. ':unsuccessful'
      end
    end
  end
  local held = redis.call('MGET', unpack(locks))
  local any_children = #children > 0 and redis.call('EXISTS', unpack(children)) > 0
  local release, ended = {}, {}
  for n, id in ipairs(ids) do
    local g, code = group_of[n], 0
    if held[n] ~= g.token then
      code = check_lock(p .. id, held[n], g.token)
    end
    if code ~= -1 and (g.kind == 'waiting-children' or any_children and g.kind == 'completed') then
      local kept = check_children(p .. id, g.kind, ARGV[at[n] + 1])
      code = kept ~= 0 and kept or code
    end
    codes[n] = code
    if code == 0 then
      ended[#ended + 1] = id
      if g.token ~= '0' then
        release[#release + 1] = locks[n]
      end
    end
  end
  if #release > 0 then
    redis.call('DEL', unpack(release))
    redis.call('SREM', p .. 'stalled', unpack(ended))
  end
  return ended
end

-- Takes jobs out of active and replies with the set of those that were in it.
-- To take out many, the list is written anew: looking for each one from the end
-- costs more as soon as they are an eighth of it.
local function leave_active(p, ids)
  local active, left = p .. 'active', {}
  if #ids < 8 or #ids * 8 < redis.call('LLEN', active) then
    for _, id in ipairs(ids) do
      left[id] = redis.call('LREM', active, '-1', id) == 1
    end
    return left
  end
  local leaving, rest = {}, {}
  for _, id in ipairs(ids) do
    leaving[id] = true
  end
  for _, id in ipairs(redis.call('LRANGE', active, '0', '-1')) do
    if leaving[id] then
      left[id] = true
    else
      rest[#rest + 1] = id
    end
  end
  redis.call('DEL', active)
  for from = 1, #rest, 4000 do
    redis.call('RPUSH', active, unpack(rest, from, math.min(from + 3999, #rest)))
  end
  return left
end

local function finish_completed(p, meta, now, g, id, key, parent, value)
  if parent then
    parent_child_completed(parent, key, value, now)
  end
  if g.keep_count == 0 then
    delete_job_keys(p, id)
  else
    redis.call('HSET', key, 'atm', g.made, 'returnvalue', value, 'finishedOn', ARGV[1])
    g.finished[#g.finished + 1] = ARGV[1]
    g.finished[#g.finished + 1] = id
  end
  redis.call('XADD', p .. 'events', '*', 'event', 'completed', 'jobId', id, 'returnvalue', value, 'prev', 'active')
end

local function store_failure(g, key, reason, stack, trace)
  redis.call('HSET', key, 'atm', g.made, 'failedReason', reason, 'stacktrace', stack)
  if trace ~= '' then
    redis.call('HSET', key, 'tm', trace)
  end
end

local function finish_failed(p, meta, now, g, id, key, parent, reason, stack, trace)
  if parent then
    parent_child_failed(parent, key, reason, now)
  end
  if g.keep_count == 0 then
    delete_job_keys(p, id)
    if parent then
      unlink_child(parent, key)
    end
  else
    store_failure(g, key, reason, stack, trace)
    redis.call('HSET', key, 'finishedOn', ARGV[1])
    redis.call('HDEL', key, 'defa')
    g.finished[#g.finished + 1] = ARGV[1]
    g.finished[#g.finished + 1] = id
  end
  redis.call('XADD', p .. 'events', '*', 'event', 'failed', 'jobId', id, 'failedReason', reason, 'prev', 'active')
  if tonumber(g.made) >= g.attempts then
    redis.call('XADD', p .. 'events', '*', 'event', 'retries-exhausted', 'jobId', id, 'attemptsMade', g.made)
  end
end

local function move_to_delayed(p, meta, now, g, id, key)
  local due = now + g.delay
  redis.call('HSET', key, 'delay', string.format('%.0f', g.delay))
  redis.call('ZADD', p .. 'delayed', delayed_score(p, due), id)
  redis.call('XADD', p .. 'events', 'MAXLEN', '~', meta.max_events, '*', 'event', 'delayed', 'jobId', id, 'delay', due)
  mark_delayed(p)
end

local function back_to_wait(p, meta, id, key, front)
  local priority = priority_of(key)
  push_waiting(p, meta, id, priority, front(priority))
  mark_base(p, meta)
  redis.call('XADD', p .. 'events', 'MAXLEN', '~', meta.max_events, '*',
    'event', 'waiting', 'jobId', id, 'prev', 'active')
end

local function retry_failed(p, meta, now, g, id, key, parent, reason, stack, trace)
  store_failure(g, key, reason, stack, trace)
  if g.delay > 0 then
    move_to_delayed(p, meta, now, g, id, key)
    return
  end
  -- Delayed jobs that are due were there before this one.
  promote_due(p, meta, now)
  back_to_wait(p, meta, id, key, function(priority) return priority == 0 and g.lifo end)
end

local function release_unfinished(p, meta, now, g, id, key)
  back_to_wait(p, meta, id, key, function() return true end)
end

local function wait_for_children(p, meta, now, g, id, key, parent, child)
  -- The last of the children may have ended in the same call.
  if check_children(key, g.kind, child) ~= 0 then
    release_unfinished(p, meta, now, g, id, key)
    return
  end
  redis.call('ZADD', p .. 'waiting-children', ARGV[1], id)
  redis.call('XADD', p .. 'events', '*', 'event', 'waiting-children', 'jobId', id, 'prev', 'active')
end

-- What is stored of the job, or of its parent, is not what it should be, and some
-- of the outcome may have been written. The job ends as failed, so that it is seen.
local function set_aside(p, id, key, reason)
  redis.pcall('HSET', key, 'failedReason', reason, 'finishedOn', ARGV[1])
  redis.pcall('ZADD', p .. 'failed', ARGV[1], id)
  redis.pcall('XADD', p .. 'events', '*', 'event', 'failed', 'jobId', id, 'failedReason', reason, 'prev', 'active')
end

local apply_outcome = {
  completed = finish_completed,
  failed = finish_failed,
  retry = retry_failed,
  delayed = move_to_delayed,
  released = release_unfinished,
  ['waiting-children'] = wait_for_children,
}

-- Applies the outcome of the job whose values begin at ARGV[i]. Replies with its
-- result code.
local function apply_job(p, meta, now, g, i)
  local id = ARGV[i]
  local key, parent = p .. id, nil
  local job = redis.call('HMGET', key, 'name', 'parentKey', 'deid')
  if not job[1] and redis.call('EXISTS', key) == 0 then
    return -1
  end
  if g.finishes and job[3] then
    release_dedup(p, meta, job[3], id, now)
  end
  if g.finishes and job[2] then
    parent = parent_of(job[2], redis.call('HGET', key, 'parent'))
  end
  apply_outcome[g.kind](p, meta, now, g, id, key, parent, ARGV[i + 1], ARGV[i + 2], ARGV[i + 3])
  return 0
end

-- Replies with the place of the group's last code, and whether any of its jobs
-- has finished.
local function apply_group(p, meta, now, g, codes, n, left)
  local ended = 0
  g.finished, g.finishes = {}, g.kind == 'completed' or g.kind == 'failed'
  for i = g.first, g.first + (g.size - 1) * g.width, g.width do
    n = n + 1
    local id = ARGV[i]
    if codes[n] == 0 and not left[id] then
      codes[n] = -3
    elseif codes[n] == 0 then
      local ok, result = pcall(apply_job, p, meta, now, g, i)
      if not ok then
        set_aside(p, id, p .. id, 'the stored job is damaged: ' .. (type(result) == 'table' and result.err or result))
        result = -12
      end
      codes[n] = result
      ended = ended + (result == 0 and 1 or 0)
    end
  end
  if #g.finished > 0 then
    redis.call('ZADD', p .. g.kind, unpack(g.finished))
  end
  if g.finishes and (g.keep_count > 0 or g.keep_age > 0) then
    apply_keep(p, g.kind, g.keep_count, g.keep_age, g.keep_limit, now)
  end
  if g.finishes and ended > 0 and ARGV[8] ~= '' then
    collect_metrics(p, g.kind, ended, tonumber(ARGV[8]), now)
  end
  return n, g.finishes and ended > 0
end

-- Applies the groups that begin at ARGV[first]. Replies with a result code for
-- each of their jobs, and whether any of them has finished.
local function finish_jobs(p, meta, now, first)
  local groups, codes = {}, {}
  local i = first
  while ARGV[i] do
    local g = read_group(i)
    groups[#groups + 1] = g
    i = g.first + g.size * g.width
  end
  if #groups == 0 then
    return codes, false
  end
  local left = leave_active(p, check_jobs(p, groups, codes))
  redis.call('XTRIM', p .. 'events', 'MAXLEN', '~', meta.max_events)
  local n, finished = 0, false
  for _, g in ipairs(groups) do
    local ended
    n, ended = apply_group(p, meta, now, g, codes, n, left)
    finished = finished or ended
  end
  return codes, finished
end
