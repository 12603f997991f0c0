-- Adds jobs to one queue. KEYS[1] is the queue's key prefix, ARGV holds twelve
-- values a job: id or '', name, data, opts, timestamp, delay, priority, '1' for
-- lifo, the parent's key or '', the parent as JSON, '1' if the job waits for
-- children, '1' if the job belongs to a flow that is being added.
-- Replies with the id or the negative result code of each.
--@use add
local p = KEYS[1]
local replies = {}
local batch = begin_add(p, #ARGV / 12)
for i = 1, #ARGV, 12 do
  replies[#replies + 1] = add_job(batch, i)
end
finish_add(batch)
return replies
