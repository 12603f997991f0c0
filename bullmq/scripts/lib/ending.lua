--@use parent
--@use delayed
--@use delete
--@use promote
--@use due
-- What keeps a job with children from its end: a completed one must have none
-- that are unfinished or failed, and one that is to wait for children, or for one
-- of them, must have it to wait for. Replies with a result code, 0 if nothing does.
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

-- The result code of a job that may not be reported, 0 for one that may.
local function check_job(key, g, job, held, child, any_children)
  if not job[1] and redis.call('EXISTS', key) == 0 then
    return -1
  end
  local code = 0
  if g.kind == 'waiting-children' or any_children and g.kind == 'completed' then
    code = check_children(key, g.kind, child)
  end
  if code == 0 and held ~= g.token and g.token ~= '0' then
    code = held and -6 or -2
  end
  return code
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
  back_to_wait(p, meta, id, key, function(priority) return priority == 0 and g.lifo end)
end

local function release_unfinished(p, meta, now, g, id, key)
  back_to_wait(p, meta, id, key, function() return true end)
end

-- Delayed jobs that are due were there before those that are retried.
local function promote_before_retry(p, meta, now)
  local due = due_jobs(p, now)
  if #due > 0 then
    promote(p, meta, due)
  end
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

-- What becomes of a job by the outcome of its attempt, but for completed ones.
local apply_outcome = {
  failed = finish_failed,
  retry = retry_failed,
  delayed = move_to_delayed,
  released = release_unfinished,
  ['waiting-children'] = wait_for_children,
}

local function apply_other(p, meta, now, g, id, key, parent, a, b, c)
  apply_outcome[g.kind](p, meta, now, g, id, key, parent, a, b, c)
end
