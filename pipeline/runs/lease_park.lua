-- Parks a job for a time, unless it is held under another token.
-- KEYS: lease   ARGV: holder and token, value of a parked lease, ms to park
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
