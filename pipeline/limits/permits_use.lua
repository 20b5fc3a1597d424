-- Returns how many permits are held, and the limit in force.
-- KEYS: permits, limit   ARGV: limit when the server knows no other
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local limit = tonumber(redis.call('GET', KEYS[2]) or ARGV[1]) or tonumber(ARGV[1])
return { redis.call('ZCARD', KEYS[1]), math.floor(limit) }
