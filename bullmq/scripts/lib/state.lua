-- The key of the state that a job is in, nil if it is in none.
local function find_state(p, id)
  for _, set in ipairs({ 'completed', 'failed', 'delayed', 'prioritized', 'waiting-children' }) do
    if redis.call('ZSCORE', p .. set, id) then
      return set
    end
  end
  for _, list in ipairs({ 'active', 'wait', 'paused' }) do
    if redis.call('LPOS', p .. list, id) then
      return list
    end
  end
  return nil
end
