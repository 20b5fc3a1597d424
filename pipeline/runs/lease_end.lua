-- Ends a lease, or parks it for a time, unless another holder has it.
-- KEYS: lease   ARGV: holder, value of a parked lease, ms to park (0: end it)
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
  return 0
end
if ARGV[3] == '0' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
return 1
