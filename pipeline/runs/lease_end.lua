-- Ends a lease, unless the job is held under another token or parked. A job that goes back to the queue counts as not
-- started from then on.
-- KEYS: lease, started (only when the job goes back)   ARGV: holder and token, job
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
  return 0
end
redis.call('DEL', KEYS[1])
if KEYS[2] then
  redis.call('SREM', KEYS[2], ARGV[2])
end
return 1
