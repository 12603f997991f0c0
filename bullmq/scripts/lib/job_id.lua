-- Whether a job can have this id; others are those of the queue's own keys, as the
-- engine in Go knows them too.
local function is_job_id(id)
  if string.find(id, '^repeat:.*:%d+$') then
    return true
  end
  local _, colons = string.gsub(id, ':', '')
  if colons ~= 0 then
    return colons == 2 and not string.find(id, '^metrics:') and not string.find(id, '^repeat:')
  end
  return id ~= '' and not ({
    active = true, completed = true, delayed = true, events = true, failed = true, id = true, limiter = true,
    marker = true, meta = true, paused = true, pc = true, prioritized = true, priority = true, ['repeat'] = true,
    stalled = true, ['stalled-check'] = true, wait = true, ['waiting-children'] = true,
  })[id]
end
