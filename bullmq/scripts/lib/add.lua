--@use store
--@use parent
--@use dedup
-- Adding many jobs of one queue shares what does not differ from job to job:
-- the metadata, the counter, one push for a run of plain jobs, one marker.
local function begin_add(p)
  return { p = p, used = 0, waiting = {}, now = tonumber(ARGV[5]) }
end

-- The next number of the counter. A queue is only touched once a job is sure to
-- be dealt with.
local function next_number(batch)
  if not batch.meta then
    batch.meta = read_meta(batch.p)
    set_up(batch.p, batch.meta)
    batch.counter = tonumber(redis.call('GET', batch.p .. 'id') or 0)
  end
  batch.used = batch.used + 1
  return batch.counter + batch.used
end

local function flush_waiting(batch)
  local n = #batch.waiting
  if n == 0 then
    return
  end
  for from = 1, n, 4000 do
    redis.call('LPUSH', batch.meta.wait, unpack(batch.waiting, from, math.min(from + 3999, n)))
  end
  batch.waiting = {}
  batch.wake = true
end

local function finish_add(batch)
  if not batch.meta then
    return
  end
  redis.call('INCRBY', batch.p .. 'id', batch.used)
  flush_waiting(batch)
  if batch.wake then
    mark_base(batch.p, batch.meta)
  end
  redis.call('XTRIM', batch.p .. 'events', 'MAXLEN', '~', batch.meta.max_events)
end

-- A job of this id exists: it stays as it is, but a parent given now is linked
-- to it. Replies with the id or a result code.
local function add_duplicate(batch, id, parent, in_flow)
  local p, key = batch.p, batch.p .. id
  local old = redis.call('HMGET', key, 'parentKey', 'parent', 'returnvalue')
  if parent and old[1] and old[1] ~= parent.key and redis.call('EXISTS', old[1]) == 1 then
    if in_flow then
      redis.call('HSET', parent.key, 'flowAttachmentFailed', '1')
    end
    return -7
  end
  if parent then
    if redis.call('ZSCORE', p .. 'completed', id) then
      redis.call('HSET', parent.key .. ':processed', key, old[3] or 'null')
      if not in_flow then
        release_parent_if_done(parent, batch.now)
      end
    else
      redis.call('SADD', parent.key .. ':dependencies', key)
    end
    redis.call('HSET', key, 'parentKey', parent.key, 'parent', parent.json)
  end
  redis.call('XADD', p .. 'events', '*', 'event', 'duplicated', 'jobId', id)
  return id
end

-- Adds the job whose values begin at ARGV[i].
local function add_job(batch, i)
  local p, id = batch.p, ARGV[i]
  local parent
  if ARGV[i + 8] ~= '' then
    parent = parent_of(ARGV[i + 8], ARGV[i + 9])
    parent.json = ARGV[i + 9]
    if redis.call('EXISTS', parent.key) == 0 then
      return -5
    end
  end
  local number = next_number(batch)
  if id == '' then
    id = string.format('%.0f', number)
  elseif redis.call('EXISTS', p .. id) == 1 then
    return add_duplicate(batch, id, parent, ARGV[i + 11] == '1')
  end
  local job = {
    name = ARGV[i + 1], data = ARGV[i + 2], opts = ARGV[i + 3], timestamp = ARGV[i + 4],
    delay = ARGV[i + 5], priority = ARGV[i + 6], lifo = ARGV[i + 7] == '1',
  }
  local optional = {}
  if ARGV[i + 12] ~= '' then
    local d = read_dedup(ARGV[i + 12])
    local owner = deduplicate(p, batch.meta, d, id, job, parent)
    if owner then
      return owner
    end
    optional = { 'deid', d.id }
  end
  if parent then
    optional[#optional + 1] = 'parentKey'
    optional[#optional + 1] = parent.key
    optional[#optional + 1] = 'parent'
    optional[#optional + 1] = parent.json
  end
  store_job(p, id, job, optional)
  if ARGV[i + 10] == '1' then
    redis.call('ZADD', p .. 'waiting-children', job.timestamp, id)
    redis.call('XADD', p .. 'events', '*', 'event', 'waiting-children', 'jobId', id)
  elseif job.delay == '0' and job.priority == '0' and not job.lifo then
    batch.waiting[#batch.waiting + 1] = id
    redis.call('XADD', p .. 'events', '*', 'event', 'waiting', 'jobId', id)
  else
    flush_waiting(batch)
    enqueue_job(p, batch.meta, id, job)
  end
  if parent then
    redis.call('SADD', parent.key .. ':dependencies', p .. id)
  end
  return id
end
