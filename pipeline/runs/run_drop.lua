-- Forgets an outstanding job, unless another worker holds it.
-- KEYS: jobs, started, lease   ARGV: job, token of the caller's lease (empty: it has none), value of a parked lease
local lease = redis.call('GET', KEYS[3])
local is_ours = ARGV[2] ~= '' and lease and string.sub(lease, 1, #ARGV[2]) == ARGV[2]
if lease and lease ~= ARGV[3] and not is_ours then
  return 0
end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('SREM', KEYS[2], ARGV[1])
return 1
