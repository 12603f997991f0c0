--@use wait
-- The parent of a job, from the two fields that name it; nil for a job without
-- one. The queue's keys are taken from the key itself, whose end is the id.
local function parent_of(parent_key, parent_json)
  if not parent_key then
    return nil
  end
  local ok, ref = pcall(cjson.decode, parent_json or '')
  if not ok or type(ref) ~= 'table' then
    ref = {}
  end
  local id = type(ref.id) == 'string' and ref.id or string.match(parent_key, '([^:]*)$')
  return { key = parent_key, id = id, p = string.sub(parent_key, 1, -#id - 1), policy = ref }
end

-- Lets a parent go on: out of waiting-children, into delayed if it has a delay
-- of its own, else to the front of those that wait.
local function release_parent(parent, now)
  local p = parent.p
  if redis.call('ZREM', p .. 'waiting-children', parent.id) == 0 then
    return
  end
  local meta = parent.meta or read_meta(p)
  local job = redis.call('HMGET', parent.key, 'delay', 'priority')
  local delay, priority = tonumber(job[1]) or 0, tonumber(job[2]) or 0
  if delay > 0 then
    local due = now + delay
    redis.call('ZADD', p .. 'delayed', due * 4096, parent.id)
    redis.call('XADD', p .. 'events', '*', 'event', 'delayed', 'jobId', parent.id, 'delay', due)
    mark_delayed(p)
    return
  end
  push_waiting(p, meta, parent.id, priority, priority == 0)
  mark_base(p, meta)
  redis.call('XADD', p .. 'events', '*', 'event', 'waiting', 'jobId', parent.id, 'prev', 'waiting-children')
end

local function release_parent_if_done(parent, now)
  if redis.call('SCARD', parent.key .. ':dependencies') == 0 then
    release_parent(parent, now)
  end
end

-- The parent must fail, for a child did: it is released, to fail as soon as a
-- worker fetches it.
local function fail_parent(parent, child_key, now)
  local p = parent.p
  local reason = 'child ' .. child_key .. ' failed'
  redis.call('ZADD', parent.key .. ':unsuccessful', now, child_key)
  if redis.call('ZSCORE', p .. 'failed', parent.id) then
    return
  end
  redis.call('HSET', parent.key, 'defa', reason)
  if redis.call('ZREM', p .. 'delayed', parent.id) == 0 then
    release_parent(parent, now)
    return
  end
  redis.call('HSET', parent.key, 'delay', '0')
  local priority = priority_of(parent.key)
  local meta = read_meta(p)
  push_waiting(p, meta, parent.id, priority, priority == 0)
  mark_base(p, meta)
  redis.call('XADD', p .. 'events', '*', 'event', 'waiting', 'jobId', parent.id, 'prev', 'delayed')
end

-- A child failed for good: its own policy says what that means for the parent.
-- Without one the parent goes on waiting.
local function parent_child_failed(parent, child_key, reason, now)
  local policy = parent.policy
  if not (policy.fpof or policy.cpof or policy.idof or policy.rdof) then
    return
  end
  if redis.call('SREM', parent.key .. ':dependencies', child_key) == 0 then
    return
  end
  if policy.fpof then
    fail_parent(parent, child_key, now)
  elseif policy.cpof then
    redis.call('HSET', parent.key .. ':failed', child_key, reason)
    release_parent(parent, now)
  else
    if policy.idof then
      redis.call('HSET', parent.key .. ':failed', child_key, reason)
    end
    release_parent_if_done(parent, now)
  end
end

-- A finished child is to run again. Its parent, if that still waits, waits for it
-- as well; one that has gone on is not called back.
local function relink_child(parent, child_key, state)
  if redis.call('EXISTS', parent.key) == 0 then
    return
  end
  local linked
  if state == 'completed' then
    linked = redis.call('HDEL', parent.key .. ':processed', child_key)
  else
    linked = redis.call('ZREM', parent.key .. ':unsuccessful', child_key)
      + redis.call('HDEL', parent.key .. ':failed', child_key)
  end
  if linked > 0 then
    redis.call('SADD', parent.key .. ':dependencies', child_key)
  end
end

-- A child disappears. Its parent must not wait for it any longer.
local function unlink_child(parent, child_key)
  if redis.call('SREM', parent.key .. ':dependencies', child_key) == 0 then
    return
  end
  if redis.call('SCARD', parent.key .. ':dependencies') > 0 then
    return
  end
  local p = parent.p
  if redis.call('ZREM', p .. 'waiting-children', parent.id) == 1 then
    local meta = read_meta(p)
    redis.call('RPUSH', meta.wait, parent.id)
    mark_base(p, meta)
    redis.call('XADD', p .. 'events', '*', 'event', 'waiting', 'jobId', parent.id, 'prev', 'waiting-children')
  end
end
