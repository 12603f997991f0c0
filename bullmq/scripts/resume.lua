-- Lets the queue give out jobs again. KEYS[1] is its key prefix, ARGV[1] '1' for
-- the first of several calls, which leaves the event. A list of
-- paused jobs, which version 5 of BullMQ keeps apart, is joined to those that
-- wait, at the end that runs next. Replies with how many such jobs are left for
-- a further call.
--@use wait
local p = KEYS[1]
redis.call('HDEL', p .. 'meta', 'paused')
if redis.call('EXISTS', p .. 'wait') == 0 and redis.call('EXISTS', p .. 'paused') == 1 then
  redis.call('RENAME', p .. 'paused', p .. 'wait')
else
  local moved = redis.call('LPOP', p .. 'paused', 4000)
  if moved then
    redis.call('RPUSH', p .. 'wait', unpack(moved))
  end
end
local meta = read_meta(p)
if redis.call('EXISTS', p .. 'wait', p .. 'prioritized') > 0 then
  mark_base(p, meta)
else
  mark_delayed(p)
end
if ARGV[1] == '1' then
  redis.call('XADD', p .. 'events', 'MAXLEN', '~', meta.max_events, '*', 'event', 'resumed')
end
return redis.call('LLEN', p .. 'paused')
