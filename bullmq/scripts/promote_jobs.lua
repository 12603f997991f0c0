-- Lets delayed jobs run now, those first that are due first. KEYS[1] is the
-- queue's key prefix, ARGV[1] how many at most. Replies with their number.
--@use promote
local p = KEYS[1]
local ids = redis.call('ZRANGE', p .. 'delayed', 0, ARGV[1] - 1)
if #ids > 0 then
  promote(p, read_meta(p), ids)
end
return #ids
