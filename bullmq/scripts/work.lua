-- Reports how attempts ended and gives out new jobs, many of both in one call.
-- KEYS[1] is the queue's key prefix. ARGV: now, how many jobs are wanted, the
-- token and duration in ms of their locks, the worker's name or '', its rate
-- limit's number and ms or '', how many points of metrics are kept or '', then
-- groups of ended attempts. A group has eleven values: kind, token, attempts made by now,
-- attempts allowed, keep count, keep age in ms, keep limit, delay, '1' for lifo,
-- how many fields the jobs have if nothing was added to them or '', size; then for each job two values, its id and its result or the child it waits
-- for, or if it failed four: id, reason, stack traces as JSON, trace context.
-- Replies with the result codes of the attempts, the ids of the jobs, their hashes
-- from before (of a new job the values of name, data, opts, timestamp, delay,
-- priority and, if it has a parent, parentKey and parent alone; nothing of one that
-- the caller has to read itself), the ms for which the queue is rate limited, when its
-- next delayed job is due, and the ids that were dropped since there is no job behind
-- them.
--@use meta
--@lazy rare ending keep dedup_release metrics limit promote job_id
--@lazy family children
--@use outcome
--@use fetch
local p, now, wanted = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
local meta = read_meta(p)
local codes, finished = finish_jobs(p, meta, now, 9)
local ids, hashes, limited, next_delayed, idle, dropped = {}, {}, 0, 0, true, {}
if wanted > 0 then
  ids, hashes, limited, next_delayed, idle, dropped = fetch_jobs(p, meta, now, wanted, ARGV[3], ARGV[4], ARGV[5])
end
if finished and #ids == 0 and idle and next_delayed == 0
  and redis.call('EXISTS', p .. 'wait', p .. 'active', p .. 'prioritized') == 0 then
  redis.call('XADD', p .. 'events', '*', 'event', 'drained')
end
return { codes, ids, hashes, limited, string.format('%.17g', next_delayed), dropped }
