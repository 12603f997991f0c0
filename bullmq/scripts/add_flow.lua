-- Adds the jobs of flows, parents before children, to the queues whose key
-- prefixes are the first KEYS, one for each job; further keys mean nothing. ARGV is
-- as in add_jobs, each job a run of its own with an id. Replies with the id or the
-- negative result code of each. If the job at the top of a tree is refused, nothing
-- of that tree is added.
--@use add
local replies, reachable, jobs = {}, {}, {}
local i = 1
while ARGV[i] do
  local n, run = #replies + 1, read_run(i)
  local id = ARGV[run.first]
  local key, parent_key = KEYS[n] .. id, run.parent and run.parent.key
  if parent_key and reachable[parent_key] == false then
    replies[n], reachable[key] = -5, false
  else
    local batch = begin_add(KEYS[n])
    replies[n] = add_job(batch, run, id, ARGV[run.first + 1])
    finish_add(batch)
    -- Only the top is not below any other job of the call.
    reachable[key] = type(replies[n]) == 'string' or parent_key and reachable[parent_key] == true or false
  end
  jobs[n] = run
  i = run.last + run.width
end
-- A parent all of whose children existed already, as completed, has nothing to
-- wait for.
for n, run in ipairs(jobs) do
  if run.waits_for_children and type(replies[n]) == 'string' then
    local key = KEYS[n] .. replies[n]
    if redis.call('HDEL', key, 'flowAttachmentFailed') == 0 then
      rare().release_parent_if_done({ key = key, id = replies[n], p = KEYS[n] }, tonumber(ARGV[5]))
    end
  end
end
return replies
