--@use leave_active
-- How many values each job of a group has, by what became of it.
local outcome_width = { completed = 2, failed = 4, retry = 4, ['waiting-children'] = 2, delayed = 1, released = 1 }

-- Attempts that ended alike are reported as a group: ARGV has what they share,
-- then what each one says for itself.
local function read_group(i)
  return {
    kind = ARGV[i], token = ARGV[i + 1], made = ARGV[i + 2], attempts = tonumber(ARGV[i + 3]),
    keep_count = tonumber(ARGV[i + 4]), keep_age = tonumber(ARGV[i + 5]), keep_limit = tonumber(ARGV[i + 6]),
    delay = tonumber(ARGV[i + 7]), lifo = ARGV[i + 8] == '1', fields = tonumber(ARGV[i + 9]),
    size = tonumber(ARGV[i + 10]), first = i + 11, width = outcome_width[ARGV[i]],
  }
end

-- What an outcome needs to know of a job: name, parent's key, deduplication id,
-- parent. A job of which the reporter knows that it had none of the last three, nor
-- failed before, has none still if it has as many fields as then. That is cheaper to
-- ask.
local no_links = { true }
local function read_links(key, g)
  if g.fields and redis.pcall('HLEN', key) == g.fields then
    return no_links
  end
  return redis.pcall('HMGET', key, 'name', 'parentKey', 'deid', 'parent')
end

-- Reads the jobs of all groups and decides which of them may be reported; locks of
-- those are released. Replies with their ids, and with the keys of all. Fills in the
-- codes and what was read of each job.
local function check_jobs(p, groups, suspects, codes, jobs)
  local ids, keys, locks, group_of, at, children = {}, {}, {}, {}, {}, {}
  for _, g in ipairs(groups) do
    for i = g.first, g.first + (g.size - 1) * g.width, g.width do
      local id = ARGV[i]
      local n = #ids + 1
      local key = p .. id
      ids[n], keys[n], locks[n], group_of[n], at[n] = id, key, key .. ':lock', g, i
      if g.kind == 'completed' then
        children[#children + 1] = key .. ':dependencies'
        -- A child's failure is written to the parent as well, as a further field.
        if not g.fields then
          children[#children + 1] = key .. ':unsuccessful'
        end
      end
    end
  end
  local held = redis.call('MGET', unpack(locks))
  local any_children = #children > 0 and redis.call('EXISTS', unpack(children)) > 0
  local release, ended = {}, {}
  for n = 1, #ids do
    local g, key = group_of[n], keys[n]
    local job, code = read_links(key, g), 0
    local changed = g.fields and job[1] ~= true
    if not job[1] or changed or held[n] ~= g.token or any_children or g.kind == 'waiting-children' then
      code = rare().check_job(key, g, job, held[n], ARGV[at[n] + 1], any_children or changed)
    end
    codes[n], jobs[n] = code, job
    if code == 0 then
      ended[#ended + 1] = ids[n]
      if g.token ~= '0' then
        release[#release + 1] = locks[n]
      end
    end
  end
  if #release > 0 then
    redis.call('DEL', unpack(release))
    if suspects > 0 then
      redis.call('SREM', p .. 'stalled', unpack(ended))
    end
  end
  return ended, keys
end

local function finish_completed(p, g, id, key, value)
  if g.keep_count == 0 then
    rare().delete_job_keys(p, id)
  else
    redis.call('HSET', key, 'atm', g.made, 'returnvalue', value, 'finishedOn', ARGV[1])
    g.finished[#g.finished + 1] = ARGV[1]
    g.finished[#g.finished + 1] = id
  end
  redis.call('XADD', p .. 'events', '*', 'event', 'completed', 'jobId', id, 'returnvalue', value, 'prev', 'active')
end

-- Applies the outcome of the job whose values begin at ARGV[i].
local function apply_job(p, meta, now, g, i, codes, keys, jobs, n, left)
  local id, value, key, job = ARGV[i], ARGV[i + 1], keys[n], jobs[n]
  if g.finishes and job[3] then
    rare().release_dedup(p, meta, job[3], id, now)
  end
  if g.kind ~= 'completed' then
    local parent = g.finishes and job[2] and rare().parent_of(job[2], job[4])
    rare().apply_other(p, meta, now, g, id, key, parent, value, ARGV[i + 2], ARGV[i + 3])
    return
  end
  if job[2] then
    family().child_completed(p, meta, g, codes, keys, jobs, left, job, now)
  end
  finish_completed(p, g, id, key, value)
end

-- Replies with the place of the group's last code, and whether any of its jobs
-- has finished.
local function apply_group(p, meta, now, g, codes, keys, jobs, n, left)
  local ended = 0
  g.finished, g.finishes, g.before = {}, g.kind == 'completed' or g.kind == 'failed', n
  if g.kind == 'retry' and g.delay == 0 then
    rare().promote_before_retry(p, meta, now)
  end
  for i = g.first, g.first + (g.size - 1) * g.width, g.width do
    n = n + 1
    local id = ARGV[i]
    if codes[n] == 0 and not left[id] then
      codes[n] = -3
    elseif codes[n] == 0 then
      local ok, err = pcall(apply_job, p, meta, now, g, i, codes, keys, jobs, n, left)
      if ok then
        ended = ended + 1
      else
        rare().set_aside(p, id, keys[n], 'the stored job is damaged: ' .. (type(err) == 'table' and err.err or err))
        codes[n] = -12
      end
    end
  end
  if #g.finished > 0 then
    redis.call('ZADD', p .. g.kind, unpack(g.finished))
  end
  if not g.finishes or ended == 0 then
    return n, false
  end
  if g.keep_count > 0 or g.keep_age > 0 then
    rare().apply_keep(p, g.kind, g.keep_count, g.keep_age, g.keep_limit, now)
  end
  if ARGV[8] ~= '' then
    -- Counts that are damaged are no reason to stop.
    pcall(rare().collect_metrics, p, g.kind, ended, tonumber(ARGV[8]), now)
  end
  return n, true
end

-- Applies the groups that begin at ARGV[first]. Replies with a result code for
-- each of their jobs, and whether any of them has finished.
local function finish_jobs(p, meta, now, first)
  local groups, codes, jobs = {}, {}, {}
  local i = first
  while ARGV[i] do
    local g = read_group(i)
    groups[#groups + 1] = g
    i = g.first + g.size * g.width
  end
  if #groups == 0 then
    return codes, false
  end
  -- A key of another type would end the script halfway; it must do so before
  -- anything is written.
  redis.call('LLEN', p .. 'active')
  local suspects = redis.call('SCARD', p .. 'stalled')
  for _, g in ipairs(groups) do
    if g.kind == 'completed' or g.kind == 'failed' then
      redis.call('ZCARD', p .. g.kind)
    end
  end
  redis.call('XTRIM', p .. 'events', 'MAXLEN', '~', meta.max_events)
  local ids, keys = check_jobs(p, groups, suspects, codes, jobs)
  local left = leave_active(p, ids)
  local n, finished = 0, false
  for _, g in ipairs(groups) do
    local ended
    n, ended = apply_group(p, meta, now, g, codes, keys, jobs, n, left)
    finished = finished or ended
  end
  return codes, finished
end
