-- Lets delayed jobs run now, those first that are due first. KEYS[1] is the
-- queue's key prefix, ARGV[1] how many at most. Replies with their number.
--@use promote_due
local p = KEYS[1]
return promote_until(p, read_meta(p), '+inf', ARGV[1])
