-- Adds jobs to one queue. KEYS[1] is the queue's key prefix, ARGV holds thirteen
-- values a job: id or '', name, data, opts, timestamp, delay, priority, '1' for
-- lifo, the parent's key or '', the parent as JSON, '1' if the job waits for
-- children, '1' if the job belongs to a flow that is being added, how it is
-- deduplicated or ''.
-- Replies with the id or the negative result code of each.
--@use add
local p = KEYS[1]
local replies = {}
local batch = begin_add(p)
for i = 1, #ARGV, 13 do
  replies[#replies + 1] = add_job(batch, i)
end
finish_add(batch)
return replies
