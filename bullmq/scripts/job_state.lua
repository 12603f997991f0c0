-- Replies with the name of the first state that has the job. KEYS[1] is the
-- queue's key prefix, ARGV[1] the job's id.
--@use state
return find_state(KEYS[1], ARGV[1]) or 'unknown'
