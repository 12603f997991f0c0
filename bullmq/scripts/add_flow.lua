-- Adds the jobs of a flow, parents before children, to the queues whose key
-- prefixes are KEYS, one for each job. ARGV is as in add_jobs. Replies with the
-- id or the negative result code of each. A root that is refused ends the call
-- before anything else is added.
--@use add
local replies = {}
for n = 1, #KEYS do
  local i = (n - 1) * 13 + 1
  local batch = begin_add(KEYS[n])
  local reply = add_job(batch, i)
  finish_add(batch)
  replies[n] = reply
  if n == 1 and type(reply) == 'number' then
    return replies
  end
end
-- A parent all of whose children existed already, as completed, has nothing to
-- wait for.
for n = 1, #KEYS do
  if ARGV[(n - 1) * 13 + 11] == '1' and type(replies[n]) == 'string' then
    local key = KEYS[n] .. replies[n]
    if redis.call('HDEL', key, 'flowAttachmentFailed') == 0 then
      release_parent_if_done({ key = key, id = replies[n], p = KEYS[n] }, tonumber(ARGV[5]))
    end
  end
end
return replies
