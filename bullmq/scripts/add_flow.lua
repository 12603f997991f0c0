-- Adds the jobs of flows, parents before children, to the queues whose key
-- prefixes are the first KEYS, one for each job; further keys mean nothing. ARGV is
-- as in add_jobs, each job a run of its own with an id. Replies with the id or the
-- negative result code of each. Each tree is added whole or not at all: a job that
-- is refused keeps all of its tree out, the others with -13.
--@use add
-- The jobs of the call, each with its key and the top of its tree.
local function read_jobs()
  local jobs, by_key, i = {}, {}, 1
  while ARGV[i] do
    local run = read_run(i)
    local job = { run = run, p = KEYS[#jobs + 1], id = ARGV[run.first], data = ARGV[run.first + 1] }
    job.key = job.p .. job.id
    local parent = run.parent and by_key[run.parent.key]
    job.top = parent and parent.top or job
    jobs[#jobs + 1], by_key[job.key] = job, job
    i = run.last + run.width
  end
  return jobs
end

-- Why a job cannot be added, 0 if it can: the parent of the top must exist, and a
-- job that is there already must have no other living parent.
local function refusal(job)
  local parent = job.run.parent
  if parent and job.top == job and redis.call('EXISTS', parent.key) == 0 then
    return -5
  end
  local old = parent and redis.call('HGET', job.key, 'parentKey')
  if old and old ~= parent.key and redis.call('EXISTS', old) == 1 then
    return -7
  end
  return 0
end

local jobs, replies = read_jobs(), {}
for n, job in ipairs(jobs) do
  replies[n] = refusal(job)
  if replies[n] ~= 0 then
    job.top.refused = true
  end
end
for n, job in ipairs(jobs) do
  if not job.top.refused then
    local batch = begin_add(job.p)
    replies[n] = add_job(batch, job.run, job.id, job.data)
    finish_add(batch)
  elseif replies[n] == 0 then
    replies[n] = -13
  end
end
-- A parent all of whose children existed already, as completed, has nothing to
-- wait for.
for n, job in ipairs(jobs) do
  if job.run.waits_for_children and type(replies[n]) == 'string' then
    rare().release_parent_if_done({ key = job.key, id = job.id, p = job.p }, tonumber(ARGV[5]))
  end
end
return replies
