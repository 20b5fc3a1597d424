-- Renews a dispatcher's heartbeat; 0 when the archive was opened by another dispatcher since, or its run is finished.
-- A server that was wiped is told again what it knew of the run.
-- KEYS: dispatcher, open archives, archive record   ARGV: token, lease in ms, archive, field, value, field, value, ...
local alive = redis.call('GET', KEYS[1])
local opened = redis.call('HGET', KEYS[3], 'token')
if (alive and alive ~= ARGV[1]) or (opened and opened ~= ARGV[1]) then
  return 0
end
if not opened then
  redis.call('HSET', KEYS[3], unpack(ARGV, 4))
  redis.call('SADD', KEYS[2], ARGV[3])
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
