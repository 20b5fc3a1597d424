-- Counts a request that is in flight already, whatever the limit.
-- KEYS: permits, in flight   ARGV: name, lease in ms, request (empty: not known)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
if ARGV[3] ~= '' then
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
end
return 1
