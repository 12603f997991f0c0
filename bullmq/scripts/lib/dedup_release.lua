--@use store_job
--@use enqueue
-- Lets go of the deduplication id of a job that disappears, and of the job that
-- was put off until its end.
local function forget_dedup(p, id, dedup_id)
  if redis.call('GET', p .. 'de:' .. dedup_id) == id then
    redis.call('DEL', p .. 'de:' .. dedup_id, p .. 'dn:' .. dedup_id)
  end
end

-- A job that was deduplicated has finished: others may take its place, and the
-- one that was put off meanwhile is added now.
local function release_dedup(p, meta, dedup_id, id, now)
  local owner_key = p .. 'de:' .. dedup_id
  local ttl = redis.call('PTTL', owner_key)
  if ttl == 0 or (ttl == -1 and redis.call('GET', owner_key) == id) then
    redis.call('DEL', owner_key)
  end
  local next_key = p .. 'dn:' .. dedup_id
  local n = redis.call('HMGET', next_key, 'name', 'data', 'opts', 'jid', 'pk', 'pd', 'pdk', 'rjk')
  if not n[1] then
    return
  end
  redis.call('DEL', next_key)
  local counter = redis.call('INCR', p .. 'id')
  local next_id = n[4] or tostring(counter)
  local ok, opts = pcall(cjson.decode, n[3])
  if not ok then
    opts = {}
  end
  local job = {
    name = n[1], data = n[2], opts = n[3], timestamp = string.format('%.0f', now),
    delay = tostring(tonumber(opts.delay) or 0), priority = tostring(tonumber(opts.priority) or 0), lifo = opts.lifo,
  }
  local optional = { 'deid', dedup_id }
  for name, value in pairs({ parentKey = n[5], parent = n[6], rjk = n[8] }) do
    if value then
      optional[#optional + 1] = name
      optional[#optional + 1] = value
    end
  end
  redis.call('SET', owner_key, next_id)
  store_job(p, next_id, job, optional)
  enqueue_job(p, meta, next_id, job)
  if n[7] then
    redis.call('SADD', n[7], p .. next_id)
  end
end
