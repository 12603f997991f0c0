-- Renews locks. KEYS[1] is the queue's key prefix; ARGV: the duration in ms,
-- then pairs of id and token. Replies with the ids whose lock was lost.
local p, ms = KEYS[1], ARGV[1]
local keys, lost, kept = {}, {}, {}
for i = 2, #ARGV, 2 do
  keys[#keys + 1] = p .. ARGV[i] .. ':lock'
end
local held = redis.call('MGET', unpack(keys))
for n, key in ipairs(keys) do
  local id, token = ARGV[n * 2], ARGV[n * 2 + 1]
  if held[n] == token then
    redis.call('PSETEX', key, ms, token)
    kept[#kept + 1] = id
  else
    lost[#lost + 1] = id
  end
end
if #kept > 0 then
  redis.call('SREM', p .. 'stalled', unpack(kept))
end
return lost
