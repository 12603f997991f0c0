-- Adds the jobs of flows, parents before children, to the queues whose key
-- prefixes are the first KEYS, one for each job; further keys mean nothing. ARGV is
-- as in add_jobs. Replies with the id or the negative result code of each. If the
-- job at the top of a tree is refused, nothing of that tree is added.
--@use add
local replies, reachable, count = {}, {}, #ARGV / 13
for n = 1, count do
  local i = (n - 1) * 13 + 1
  local key, parent_key = KEYS[n] .. ARGV[i], ARGV[i + 8]
  if reachable[parent_key] == false then
    replies[n], reachable[key] = -5, false
  else
    local batch = begin_add(KEYS[n])
    replies[n] = add_job(batch, i)
    finish_add(batch)
    -- Only the top is not below any other job of the call.
    reachable[key] = type(replies[n]) == 'string' or reachable[parent_key] == true
  end
end
-- A parent all of whose children existed already, as completed, has nothing to
-- wait for.
for n = 1, count do
  if ARGV[(n - 1) * 13 + 11] == '1' and type(replies[n]) == 'string' then
    local key = KEYS[n] .. replies[n]
    if redis.call('HDEL', key, 'flowAttachmentFailed') == 0 then
      release_parent_if_done({ key = key, id = replies[n], p = KEYS[n] }, tonumber(ARGV[5]))
    end
  end
end
return replies
