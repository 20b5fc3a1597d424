-- Moves a job from the outstanding ones to the settled rows; 0 when it was not outstanding (a repeat), or when its lease
-- is not the caller's any more.
-- KEYS: jobs, started, rows, lease   ARGV: job, row, token of the caller's lease (empty: whoever has it)
local lease = redis.call('GET', KEYS[4])
if lease and ARGV[3] ~= '' and string.sub(lease, 1, #ARGV[3]) ~= ARGV[3] then
  return 0
end
if redis.call('HDEL', KEYS[1], ARGV[1]) == 0 then
  return 0
end
redis.call('SREM', KEYS[2], ARGV[1])
redis.call('RPUSH', KEYS[3], ARGV[2])
return 1
