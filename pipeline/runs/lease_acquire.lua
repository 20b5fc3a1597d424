-- Takes a job that nobody works on, and notes that it was started when its run still waits for it. A client that lost
-- the reply asks again with the same token, and finds the lease its own.
-- KEYS: lease, jobs, started   ARGV: holder and token, lease in ms, job, value of a parked lease
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] and holder ~= ARGV[4] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
if redis.call('HEXISTS', KEYS[2], ARGV[3]) == 1 then
  redis.call('SADD', KEYS[3], ARGV[3])
end
return 1
