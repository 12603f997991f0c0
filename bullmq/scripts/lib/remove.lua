--@use delete
--@use dedup_release
-- Deletes a job's keys and its hold on a deduplication id; its place in a state is
-- left to the caller. Replies with its parent.
local function delete_job(p, id)
  local key = p .. id
  local job = redis.call('HMGET', key, 'deid', 'parentKey', 'parent')
  if job[1] then
    forget_dedup(p, id, job[1])
  end
  delete_job_keys(p, id)
  return parent_of(job[2], job[3])
end

-- Takes a job out of whatever state it is in and deletes it. Replies with the
-- state.
local function remove_job(p, id)
  local state = 'unknown'
  for _, set in ipairs({ 'completed', 'waiting-children', 'delayed', 'failed', 'prioritized' }) do
    if redis.call('ZREM', p .. set, id) == 1 then
      state = set
      break
    end
  end
  for _, list in ipairs(state == 'unknown' and { 'active', 'wait', 'paused' } or {}) do
    if redis.call('LREM', p .. list, -1, id) > 0 then
      state = list
      break
    end
  end
  delete_job(p, id)
  return state
end

-- Deletes a job that has been taken out of its state, where many go at once: a
-- parent that waits for nothing else goes with it if it is in the same queue, and
-- may run if it is in another.
local drop_job
function drop_job(p, id)
  local key = p .. id
  local parent = delete_job(p, id)
  if not parent or redis.call('SREM', parent.key .. ':dependencies', key) == 0 then
    return
  end
  if redis.call('EXISTS', parent.key .. ':dependencies') == 1
    or redis.call('ZREM', parent.p .. 'waiting-children', parent.id) == 0 then
    return
  end
  if parent.p == p then
    drop_job(p, parent.id)
  else
    local meta = read_meta(parent.p)
    redis.call('RPUSH', meta.wait, parent.id)
    mark_base(parent.p, meta)
  end
end

-- Whether a job is the one that a scheduler has planned, without which its
-- schedule would end.
local function is_planned(p, id, scheduler)
  if not scheduler then
    return false
  end
  local next_run = redis.call('ZSCORE', p .. 'repeat', scheduler)
  return next_run and id == string.format('repeat:%s:%.0f', scheduler, tonumber(next_run))
end

-- A job key's queue prefix and id.
local function split_key(key)
  local p, id = string.match(key, '^(.*:)([^:]*)$')
  return p, id
end

-- Whether a job, or with it any of its pending descendants, is being processed.
local is_locked
function is_locked(key, descend)
  if redis.call('EXISTS', key .. ':lock') == 1 then
    return true
  end
  local children = descend and redis.call('SMEMBERS', key .. ':dependencies') or {}
  for from = 1, #children, 2000 do
    local last, locks, families = math.min(from + 1999, #children), {}, {}
    for n = from, last do
      locks[#locks + 1], families[#families + 1] = children[n] .. ':lock', children[n] .. ':dependencies'
    end
    if redis.call('EXISTS', unpack(locks)) > 0 then
      return true
    end
    if redis.call('EXISTS', unpack(families)) > 0 then
      for n = from, last do
        if is_locked(children[n], true) then
          return true
        end
      end
    end
  end
  return false
end
