-- Counts finished jobs per minute: a list of counts, the newest minute first,
-- and what is needed to go on with it. All jobs of one call end in the same
-- minute, so that only the first can close the minute before.
local function collect_metrics(p, kind, ended, points, now)
  local key = p .. 'metrics:' .. kind
  local before = redis.call('HINCRBY', key, 'count', ended) - ended
  local prev = redis.call('HMGET', key, 'prevTS', 'prevCount')
  if not prev[1] then
    redis.call('HSET', key, 'prevTS', ARGV[1], 'prevCount', '0')
    return
  end
  local minutes = math.min(math.floor(now / 60000) - math.floor(tonumber(prev[1]) / 60000), points)
  if minutes <= 0 then
    return
  end
  local counts = { string.format('%.0f', before - (tonumber(prev[2]) or 0)) }
  for i = 2, minutes do
    counts[i] = '0'
  end
  for from = 1, minutes, 4000 do
    redis.call('LPUSH', key .. ':data', unpack(counts, from, math.min(from + 3999, minutes)))
  end
  redis.call('LTRIM', key .. ':data', 0, points - 1)
  redis.call('HSET', key, 'prevCount', string.format('%.0f', before), 'prevTS', ARGV[1])
end
