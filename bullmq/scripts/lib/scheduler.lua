--@use store_job
--@use enqueue
--@use set_up
-- The run that follows prev on a clock of fixed steps: the next step, or if that
-- is over, the first step after now.
local function following_slot(prev, every, offset, now)
  local following = prev + every
  if following >= now then
    return following
  end
  local slot = math.floor(now / every) * every + offset
  return slot <= now and slot + every or slot
end

local function run_id(id, at)
  return string.format('repeat:%s:%.0f', id, at)
end

-- Adds the run of a scheduler at a time. The options come without what depends
-- on that time; id_text is the scheduler's id as JSON writes it, unquoted.
local function add_run(p, meta, s, at, now)
  local id = run_id(s.id, at)
  local delay = string.format('%.0f', math.max(0, at - now))
  set_up(p, meta)
  redis.call('INCR', p .. 'id')
  local job = {
    name = s.name, data = s.data, timestamp = string.format('%.0f', now), delay = delay,
    priority = s.priority, lifo = s.lifo,
    opts = string.format('%s,"delay":%s,"jobId":"%s"}', string.sub(s.opts, 1, -2), delay, run_id(s.id_text, at)),
  }
  store_job(p, id, job, { 'rjk', s.id })
  enqueue_job(p, meta, id, job)
  return id
end
