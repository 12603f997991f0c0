--@use delete
--@use wait
--@use delayed
-- How a job is to be deduplicated: "<flags>:<ttl in ms>:<id>", where the flags
-- are e for extend, k for keepLastIfActive, r for replace, s for reschedule.
local function read_dedup(text)
  local flags, ttl, id = string.match(text, '^(%l*):(%d*):(.*)$')
  local function has(letter)
    return string.find(flags, letter, 1, true) ~= nil
  end
  return {
    id = id, ttl = ttl ~= '0' and ttl or nil,
    extend = has('e'), keep_last = has('k'), replace = has('r'), reschedule = has('s'),
  }
end

-- Gives a deduplication id to a job, for as long as its options say. The owner of
-- one that keeps the last job gives it up when it finishes, never by time.
local function own_dedup(p, d, id)
  if d.ttl and not d.keep_last then
    redis.call('SET', p .. 'de:' .. d.id, id, 'PX', d.ttl)
  else
    redis.call('SET', p .. 'de:' .. d.id, id)
  end
end

local function announce_dedup(p, meta, d, stays, rejected)
  redis.call('XADD', p .. 'events', 'MAXLEN', '~', meta.max_events, '*', 'event', 'deduplicated',
    'jobId', stays, 'deduplicationId', d.id, 'deduplicatedJobId', rejected)
end

-- Puts a job in the place of the one that owns its deduplication id, if that one
-- is still delayed.
local function replace_owner(p, meta, d, owner, id)
  if redis.call('ZREM', p .. 'delayed', owner) == 0 then
    return false
  end
  evict_job(p, owner)
  redis.call('XADD', p .. 'events', '*', 'event', 'removed', 'jobId', owner, 'prev', 'delayed')
  announce_dedup(p, meta, d, id, owner)
  redis.call('DEL', p .. 'dn:' .. d.id)
  if d.ttl and not d.extend and not d.keep_last then
    redis.call('SET', p .. 'de:' .. d.id, id, 'KEEPTTL')
  else
    own_dedup(p, d, id)
  end
  return true
end

-- Puts a job off until the active one that owns its deduplication id has finished.
local function put_off(p, d, id, job, parent)
  local key = p .. 'dn:' .. d.id
  redis.call('DEL', key)
  redis.call('HSET', key, 'name', job.name, 'data', job.data, 'opts', job.opts, 'jid', id)
  if parent then
    redis.call('HSET', key, 'pk', parent.key, 'pd', parent.json, 'pdk', parent.key .. ':dependencies')
  end
  redis.call('PERSIST', p .. 'de:' .. d.id)
end

-- Gives the owner of a deduplication id the delay of the job that was rejected.
local function reschedule_owner(p, meta, owner, job)
  if not redis.call('ZSCORE', p .. 'delayed', owner) then
    return
  end
  local delay = tonumber(job.delay)
  local due = tonumber(job.timestamp) + math.max(delay, 0)
  redis.call('HSET', p .. owner, 'delay', job.delay)
  redis.call('ZADD', p .. 'delayed', delayed_score(p, due), owner)
  redis.call('XADD', p .. 'events', 'MAXLEN', '~', meta.max_events, '*',
    'event', 'delayed', 'jobId', owner, 'delay', due)
  mark_delayed(p)
end

-- Decides about a job that is to be deduplicated. Replies with the id of the job
-- that is there in its place, nil if it is to be added.
local function deduplicate(p, meta, d, id, job, parent)
  local key = p .. 'de:' .. d.id
  local owner = redis.call('GET', key)
  if not owner then
    own_dedup(p, d, id)
    return nil
  end
  if d.replace and replace_owner(p, meta, d, owner, id) then
    return nil
  end
  -- An owner that is gone would keep the id for ever.
  if redis.call('PTTL', key) == -1 and redis.call('EXISTS', p .. owner) == 0 then
    redis.call('DEL', p .. 'dn:' .. d.id)
    own_dedup(p, d, id)
    return nil
  end
  if d.keep_last and redis.call('LPOS', p .. 'active', owner) then
    put_off(p, d, id, job, parent)
    announce_dedup(p, meta, d, owner, id)
    return owner
  end
  if d.replace then
    return owner
  end
  if d.extend and d.ttl then
    own_dedup(p, d, owner)
  end
  announce_dedup(p, meta, d, owner, id)
  if d.reschedule then
    reschedule_owner(p, meta, owner, job)
  end
  return owner
end
