--@use delete
--@use state
-- Deletes a job that is to be gone in any state: its place, its keys, its hold
-- on a deduplication id. Replies with the state it was in.
local function remove_job(p, id)
  local key = p .. id
  local state = find_state(p, id)
  if state == 'active' or state == 'wait' or state == 'paused' then
    redis.call('LREM', p .. state, 0, id)
  elseif state then
    redis.call('ZREM', p .. state, id)
  end
  local dedup_id = redis.call('HGET', key, 'deid')
  if dedup_id and redis.call('GET', p .. 'de:' .. dedup_id) == id then
    redis.call('DEL', p .. 'de:' .. dedup_id, p .. 'dn:' .. dedup_id)
  end
  delete_job_keys(p, id)
  return state or 'unknown'
end

-- The job keys of all children of a job, whatever became of them.
local function child_keys(key)
  local keys = redis.call('HKEYS', key .. ':processed')
  for _, more in ipairs({
    redis.call('HKEYS', key .. ':failed'),
    redis.call('ZRANGE', key .. ':unsuccessful', 0, -1),
    redis.call('SMEMBERS', key .. ':dependencies'),
  }) do
    for _, k in ipairs(more) do
      keys[#keys + 1] = k
    end
  end
  return keys
end

-- A job key's queue prefix and id.
local function split_key(key)
  local p, id = string.match(key, '^(.*:)([^:]*)$')
  return p, id
end

-- Whether a job, or with it any of its pending descendants, is being processed.
local is_locked
function is_locked(key, descend)
  if redis.call('EXISTS', key .. ':lock') == 1 then
    return true
  end
  if descend then
    for _, child in ipairs(redis.call('SMEMBERS', key .. ':dependencies')) do
      if is_locked(child, true) then
        return true
      end
    end
  end
  return false
end
