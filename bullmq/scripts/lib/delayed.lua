-- A due time owns a band of 4096 scores, in which jobs of the same millisecond
-- keep their order.
local function delayed_score(p, due)
  local low = due * 4096
  local high = low + 4095
  local last = redis.call('ZREVRANGEBYSCORE', p .. 'delayed', high, low, 'WITHSCORES', 'LIMIT', 0, 1)
  if not last[1] then
    return low
  end
  return math.min(tonumber(last[2]) + 1, high)
end
