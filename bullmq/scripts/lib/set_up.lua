-- Gives a queue that is used for the first time the default length of its event
-- stream, and with it the metadata by which it is found.
local function set_up(p, meta)
  if not meta.is_set_up then
    redis.call('HSET', p .. 'meta', 'opts.maxLenEvents', meta.max_events)
    meta.is_set_up = true
  end
end
