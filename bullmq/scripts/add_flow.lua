-- Adds the jobs of flows, parents before children, to the queues whose key
-- prefixes are the first KEYS, one for each job; further keys mean nothing. ARGV is
-- as in add_jobs, each job a run of its own with an id. Replies with the id or the
-- negative result code of each. Each tree is added whole or not at all: a job that
-- is refused keeps all of its tree out, the others with -13.
--@use add
-- The jobs of the call, each with its key and the top of its tree.
local function read_jobs()
  local jobs, keys, by_key, i = {}, {}, {}, 1
  while ARGV[i] do
    local run, n = read_run(i), #jobs + 1
    local job = { run = run, p = KEYS[n], id = ARGV[run.first], data = ARGV[run.first + 1] }
    job.key = job.p .. job.id
    local parent = run.parent and by_key[run.parent.key]
    job.top = parent and parent.top or job
    run.is_new = not by_key[job.key]
    jobs[n], keys[n], by_key[job.key] = job, job.key, job
    i = run.last + run.width
  end
  return jobs, keys
end

-- Whether there is any of the jobs already.
local function any_exists(keys)
  for from = 1, #keys, 4000 do
    if redis.call('EXISTS', unpack(keys, from, math.min(from + 3999, #keys))) > 0 then
      return true
    end
  end
  return false
end

-- Why a job cannot be added, 0 if it can: the parent of the top must exist, and a
-- job that is there already must have no other living parent.
local function refusal(job)
  local parent = job.run.parent
  if parent and job.top == job and redis.call('EXISTS', parent.key) == 0 then
    return -5
  end
  local old = parent and not job.run.is_new and redis.call('HGET', job.key, 'parentKey')
  if old and old ~= parent.key and redis.call('EXISTS', old) == 1 then
    return -7
  end
  return 0
end

local jobs, keys = read_jobs()
local known, replies, batches = any_exists(keys), {}, {}
for n, job in ipairs(jobs) do
  job.run.is_new = job.run.is_new and not known
  replies[n] = refusal(job)
  if replies[n] ~= 0 then
    job.top.refused = true
  end
end
for n, job in ipairs(jobs) do
  if not job.top.refused then
    batches[job.p] = batches[job.p] or begin_add(job.p)
    replies[n] = add_job(batches[job.p], job.run, job.id, job.data)
  elseif replies[n] == 0 then
    replies[n] = -13
  end
end
for _, batch in pairs(batches) do
  finish_add(batch)
end
finish_links()
-- A parent all of whose children existed already, as completed, has nothing to
-- wait for.
for n, job in ipairs(jobs) do
  if job.run.waits_for_children and type(replies[n]) == 'string' and not links[job.key] then
    rare().release_parent_if_done({ key = job.key, id = job.id, p = job.p }, tonumber(ARGV[5]))
  end
end
return replies
