-- Deletes a chunk of a paused queue, and with the last chunk the queue itself.
-- KEYS[1] is its key prefix; ARGV: how many jobs, '1' to delete active jobs too.
-- Replies with 0 after the last chunk, 1 before, -1 if the queue is not paused, -2
-- if it has active jobs.
--@use sweep
local p, room = KEYS[1], tonumber(ARGV[1])
if not read_meta(p).paused then
  return -1
end
if ARGV[2] ~= '1' and redis.call('EXISTS', p .. 'active') == 1 then
  return -2
end
local function goes(id)
  redis.call('DEL', p .. id .. ':lock')
  local dedup_id = redis.call('HGET', p .. id, 'deid')
  if dedup_id then
    redis.call('DEL', p .. 'de:' .. dedup_id, p .. 'dn:' .. dedup_id)
  end
  return true
end
for _, state in ipairs({
  'active', 'delayed', 'completed', 'wait', 'paused', 'prioritized', 'failed', 'waiting-children',
}) do
  room = room - #sweep(p, state, 0, room, goes)
  if room <= 0 then
    return 1
  end
end
local schedulers = redis.call('ZRANGE', p .. 'repeat', 0, room - 1)
for _, id in ipairs(schedulers) do
  redis.call('DEL', p .. 'repeat:' .. id)
end
if #schedulers > 0 then
  redis.call('ZREM', p .. 'repeat', unpack(schedulers))
end
if #schedulers == room then
  return 1
end
for _, name in ipairs({
  'events', 'delay', 'stalled-check', 'stalled', 'id', 'pc', 'marker', 'meta', 'limiter', 'priority',
  'metrics:completed', 'metrics:completed:data', 'metrics:failed', 'metrics:failed:data',
}) do
  redis.call('UNLINK', p .. name)
end
return 0
