-- Counts a job's request that is in flight already, whatever the limit.
-- KEYS: permits   ARGV: job, lease in ms
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
return 1
