--@use due
-- Takes up to n ids into active, those without a priority first. Which job is next is
-- decided here and nowhere else: another order, such as fairness among groups of
-- jobs, is a matter of this function alone.
local function take_ids(p, n)
  redis.call('LLEN', p .. 'active') -- Fails before anything is taken if it is no list.
  local ids = {}
  repeat
    local popped = redis.call('RPOP', p .. 'wait', n - #ids) or {}
    for n = 1, #popped do
      local id = popped[n]
      -- Very old producers left markers among the ids; they begin with "0:".
      if string.sub(id, 1, 2) ~= '0:' then
        ids[#ids + 1] = id
      end
    end
  until #ids == n or #popped == 0
  if #ids < n then
    local popped = redis.pcall('ZPOPMIN', p .. 'prioritized', n - #ids)
    for i = 1, #popped, 2 do
      ids[#ids + 1] = popped[i]
    end
    if #popped == 0 then
      redis.call('DEL', p .. 'pc')
    end
  end
  for from = 1, #ids, 4000 do
    redis.call('LPUSH', p .. 'active', unpack(ids, from, math.min(from + 3999, #ids)))
  end
  return ids
end

-- Reads a job that is to be given out: its hash or, once a call has read so many
-- bytes that it would hold the server for long, only what is needed here; the
-- worker reads the rest by a plain command. Replies with the hash, the values alone
-- if it has no fields but those of a new job, six of them or eight with a parent, or
-- an empty table; then the attempts started, whether it is to fail unrun, and the
-- bytes read. Nothing if there is no job of this id.
local function read_job(key, budget)
  if budget <= 0 then
    local job = redis.pcall('HMGET', key, 'timestamp', 'ats', 'defa')
    if job.err or not job[1] and redis.call('EXISTS', key) == 0 then
      return nil
    end
    return {}, job[2], job[3], 0
  end
  local fields, job = redis.pcall('HLEN', key), nil
  if fields == 6 then
    job = redis.call('HMGET', key, 'name', 'data', 'opts', 'timestamp', 'delay', 'priority')
  elseif fields == 8 then
    job = redis.call('HMGET', key, 'name', 'data', 'opts', 'timestamp', 'delay', 'priority', 'parentKey', 'parent')
  end
  if job and job[1] and job[2] and job[3] and job[4] and job[5] and job[6] and job[fields] and job[fields - 1] then
    return job, false, false, #job[1] + #job[2] + #job[3]
  end
  local hash = redis.pcall('HGETALL', key)
  if hash.err or #hash == 0 then
    return nil
  end
  local attempts, deferred, bytes = false, false, 0
  for i = 1, #hash, 2 do
    local name, value = hash[i], hash[i + 1]
    bytes = bytes + #value
    if name == 'ats' then
      attempts = value
    elseif name == 'defa' then
      deferred = true
    end
  end
  -- So few fields, of a damaged job, would look like the values of a new one.
  return #hash <= 8 and {} or hash, attempts, deferred, bytes
end

-- Locks a job and marks it as started.
local function start_job(p, id, key, attempts, token, lock_ms, worker)
  if token ~= '0' then
    redis.call('PSETEX', key .. ':lock', lock_ms, token)
  end
  redis.call('XADD', p .. 'events', '*', 'event', 'active', 'jobId', id, 'prev', 'waiting')
  local started = attempts and string.format('%d', (tonumber(attempts) or 0) + 1) or '1'
  if worker == '' then
    redis.call('HSET', key, 'processedOn', ARGV[1], 'ats', started)
  else
    redis.call('HSET', key, 'processedOn', ARGV[1], 'ats', started, 'pb', worker)
  end
end

-- Gives out jobs. Replies with their ids, what read_job gave of each as it was
-- before, the ms of the rate limit,
-- the due time of the next delayed job if nothing was given, whether that was for
-- want of jobs, and the ids that were dropped since there is no job behind them.
local function fetch_jobs(p, meta, now, wanted, token, lock_ms, worker)
  local due = due_jobs(p, now)
  if #due > 0 then
    rare().promote(p, meta, due)
  end
  -- The queue's own number goes before the worker's, the worker's duration before
  -- the queue's.
  local limit = { max = meta.max or tonumber(ARGV[6]), duration = tonumber(ARGV[7]) or meta.duration or 1000 }
  if limit.max or meta.paused or meta.concurrency then
    local limited
    wanted, limited = rare().fetch_allowance(p, meta, limit, wanted)
    if wanted == 0 then
      return {}, {}, limited, 0, false, {}
    end
  end
  local given, hashes, dropped, counted, budget = {}, {}, {}, 0, 32768
  local ids = take_ids(p, wanted)
  for n = 1, #ids do
    local id = ids[n]
    local key, hash, attempts, deferred, bytes = p .. id, nil, nil, nil, nil
    -- Only ids of small letters or with colons can be those of the queue's keys.
    if not string.find(id, '^[%l-]*$') and not string.find(id, ':', 1, true) or rare().is_job_id(id) then
      hash, attempts, deferred, bytes = read_job(key, budget)
    end
    if hash then
      start_job(p, id, key, attempts, token, lock_ms, worker)
      given[#given + 1], hashes[#hashes + 1] = id, hash
      budget = budget - bytes
      counted = counted + (deferred and 0 or 1)
    else
      redis.call('LREM', p .. 'active', '1', id)
      dropped[#dropped + 1] = id
    end
  end
  if limit.max then
    rare().count_rate(p, limit, counted)
  end
  if #given > 0 then
    redis.call('ZADD', p .. 'marker', '0', '0')
    return given, hashes, 0, 0, false, dropped
  end
  local first = redis.call('ZRANGE', p .. 'delayed', 0, 0, 'WITHSCORES')
  return {}, {}, 0, first[1] and tonumber(first[2]) / 4096 or 0, true, dropped
end
