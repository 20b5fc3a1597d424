-- Moves a job from the outstanding ones to the settled rows; 0 when it was not outstanding (a repeat).
-- KEYS: jobs, started, rows   ARGV: job, row
if redis.call('HDEL', KEYS[1], ARGV[1]) == 0 then
  return 0
end
redis.call('SREM', KEYS[2], ARGV[1])
redis.call('RPUSH', KEYS[3], ARGV[2])
return 1
