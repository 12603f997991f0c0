--@use meta
--@use store_job
--@lazy rare parent dedup place set_up duplicate
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
    if not batch.meta.is_set_up then
      rare().set_up(batch.p, batch.meta)
    end
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
  if batch.due then
    rare().mark_delayed(batch.p)
  end
  if batch.wake then
    -- Most queues have no limits, and so no need of more than one command.
    if batch.meta.paused or batch.meta.concurrency then
      rare().mark_base(batch.p, batch.meta)
    else
      redis.call('ZADD', batch.p .. 'marker', '0', '0')
    end
  end
  redis.call('XTRIM', batch.p .. 'events', 'MAXLEN', '~', batch.meta.max_events)
end

-- Siblings share the table of their parent. The children of a flow are linked to
-- it when all of them have been added, each set of them at once.
local parents, links = {}, {}

local function read_parent(key, json)
  local parent = parents[key]
  if not parent or parent.json ~= json then
    parent = rare().parent_of(key, json)
    parent.json = json
    parents[key] = parent
  end
  return parent
end

local function parent_exists(parent)
  if parent.exists == nil then
    parent.exists = redis.call('EXISTS', parent.key) == 1
  end
  return parent.exists
end

local function link_child(run, key)
  local parent_key = run.parent.key
  if not run.in_flow then
    redis.call('SADD', parent_key .. ':dependencies', key)
    return
  end
  local children = links[parent_key]
  if not children then
    children = {}
    links[parent_key] = children
  end
  children[#children + 1] = key
end

local function finish_links()
  for parent_key, children in pairs(links) do
    for from = 1, #children, 4000 do
      redis.call('SADD', parent_key .. ':dependencies', unpack(children, from, math.min(from + 3999, #children)))
    end
  end
end

-- What the jobs have in common whose run begins at ARGV[i].
local function read_run(i)
  local run = {
    name = ARGV[i + 2], opts = ARGV[i + 3], timestamp = ARGV[i + 4], delay = ARGV[i + 5], priority = ARGV[i + 6],
    lifo = ARGV[i + 7] == '1', waits_for_children = ARGV[i + 10] == '1', in_flow = ARGV[i + 11] == '1',
    width = ARGV[i + 1] == '1' and 2 or 1, first = i + 13, optional = {},
  }
  run.last = run.first + (tonumber(ARGV[i]) - 1) * run.width
  run.plain = run.delay == '0' and run.priority == '0' and not run.lifo
  if ARGV[i + 12] ~= '' then
    run.dedup = rare().read_dedup(ARGV[i + 12])
    run.optional = { 'deid', run.dedup.id }
  end
  if ARGV[i + 8] ~= '' then
    run.parent = read_parent(ARGV[i + 8], ARGV[i + 9])
    for _, value in ipairs({ 'parentKey', run.parent.key, 'parent', run.parent.json }) do
      run.optional[#run.optional + 1] = value
    end
  end
  return run
end

-- Adds a job of a run. Replies with its id, that of another job in its place, or
-- a result code.
local function add_job(batch, run, own_id, data)
  local p, parent = batch.p, run.parent
  if parent and not parent_exists(parent) then
    return -5
  end
  local number = next_number(batch)
  local id = run.width == 2 and own_id or string.format('%d', number)
  if run.width == 2 and not run.is_new and redis.call('EXISTS', p .. id) == 1 then
    return rare().add_duplicate(p, id, parent, run.in_flow, batch.now)
  end
  run.data = data
  if run.dedup then
    local owner = rare().deduplicate(p, batch.meta, run.dedup, id, run, parent)
    if owner then
      return owner
    end
  end
  store_job(p, id, run, run.optional)
  if run.waits_for_children then
    redis.call('ZADD', p .. 'waiting-children', run.timestamp, id)
    redis.call('XADD', p .. 'events', '*', 'event', 'waiting-children', 'jobId', id)
  elseif run.plain then
    batch.waiting[#batch.waiting + 1] = id
    redis.call('XADD', p .. 'events', '*', 'event', 'waiting', 'jobId', id)
  else
    flush_waiting(batch)
    rare().place_job(batch, id, run)
  end
  if parent then
    link_child(run, p .. id)
  end
  return id
end
