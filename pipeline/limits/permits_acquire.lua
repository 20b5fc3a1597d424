-- Takes or renews one permit, unless all are taken. Returns 1 when the job holds one now.
-- KEYS: permits (sorted set: job -> end of its lease in ms), limit (string, optional)   ARGV: job, lease in ms, limit
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  local limit = tonumber(redis.call('GET', KEYS[2]) or ARGV[3]) or tonumber(ARGV[3])
  if redis.call('ZCARD', KEYS[1]) >= limit then
    return 0
  end
end
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
return 1
