-- Adds jobs to one queue. KEYS[1] is the queue's key prefix. ARGV holds runs of jobs
-- that differ only in id and data. A run has thirteen values: how many jobs, '1' if
-- they have ids of their own, name, opts, timestamp, delay, priority, '1' for lifo,
-- the parent's key or '', the parent as JSON, '1' if they wait for children, '1' if
-- they belong to a flow that is being added, how they are deduplicated or ''; then
-- for each job its id, if they have their own, and its data.
-- Replies with the id or the negative result code of each.
--@use add
local p = KEYS[1]
local replies = {}
local batch = begin_add(p)
local i = 1
while ARGV[i] do
  local run = read_run(i)
  for at = run.first, run.last, run.width do
    replies[#replies + 1] = add_job(batch, run, ARGV[at], ARGV[at + run.width - 1])
  end
  i = run.last + run.width
end
finish_add(batch)
return replies
