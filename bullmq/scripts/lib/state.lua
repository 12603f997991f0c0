-- The key of the state that a job is in, nil if it is in none. To look through a
-- very long list would hold the server, so that a job which is stored and in no
-- other state is taken to wait there.
local function find_state(p, id)
  for _, set in ipairs({ 'completed', 'failed', 'delayed', 'prioritized', 'waiting-children' }) do
    if redis.call('ZSCORE', p .. set, id) then
      return set
    end
  end
  for _, list in ipairs({ 'active', 'wait', 'paused' }) do
    local long = redis.call('LLEN', p .. list) > 100000 and list ~= 'active'
    if long and redis.call('EXISTS', p .. id) == 1 or not long and redis.call('LPOS', p .. list, id) then
      return list
    end
  end
  return nil
end
