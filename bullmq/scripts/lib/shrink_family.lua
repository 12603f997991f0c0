--@use remove_tree
-- A family of more children than this is removed in several calls.
local large_family = 40

local function is_large(key)
  return redis.call('HLEN', key .. ':processed') + redis.call('HLEN', key .. ':failed')
    + redis.call('ZCARD', key .. ':unsuccessful') + redis.call('SCARD', key .. ':dependencies') > large_family
end

-- The key of a job with a large family, the one given or one below it.
local find_large
function find_large(key)
  if is_large(key) then
    return key
  end
  for _, child in ipairs(child_keys(key)) do
    local found = find_large(child)
    if found then
      return found
    end
  end
end

-- Some of the children of a large family and how they are taken out of it, those
-- that have not finished last, so that their parent waits until it goes with them.
local function some_children(key)
  for _, list in ipairs({ ':processed', ':failed' }) do
    local pairs_of = redis.call('HSCAN', key .. list, '0', 'COUNT', large_family)[2]
    local keys = {}
    for i = 1, #pairs_of, 2 do
      keys[#keys + 1] = pairs_of[i]
    end
    if #keys > 0 then
      return keys, 'HDEL', key .. list
    end
  end
  local keys = redis.call('ZRANGE', key .. ':unsuccessful', 0, large_family - 1)
  if #keys > 0 then
    return keys, 'ZREM', key .. ':unsuccessful'
  end
  return redis.call('SRANDMEMBER', key .. ':dependencies', large_family), 'SREM', key .. ':dependencies'
end

-- Removes some children of a large family, or of one within it. Replies with whether
-- none of them is being processed; if one is, none is removed.
local shrink_family
function shrink_family(key)
  local keys, command, list = some_children(key)
  for _, child in ipairs(keys) do
    local large = find_large(child)
    if large then
      return shrink_family(large)
    end
    if is_locked(child, true) then
      return false
    end
  end
  for _, child in ipairs(keys) do
    if redis.call('EXISTS', child) == 1 then
      local p, id = split_key(child)
      remove_tree(p, id, child_keys)
    end
  end
  redis.call(command, list, unpack(keys))
  return true
end
