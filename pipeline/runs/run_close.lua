-- Ends dispatching; 0 when the archive was opened by another dispatcher since. A finished run leaves only a mark,
-- for a day: a dispatcher that was asleep learns from it that its run is over.
-- KEYS: dispatcher, open archives, archive record, then all keys of the run   ARGV: token, archive, 1 when finished
local alive = redis.call('GET', KEYS[1])
local opened = redis.call('HGET', KEYS[3], 'token')
if (alive and alive ~= ARGV[1]) or (opened and opened ~= ARGV[1]) then
  return 0
end
redis.call('DEL', KEYS[1])
if ARGV[3] == '1' then
  redis.call('SREM', KEYS[2], ARGV[2])
  redis.call('DEL', unpack(KEYS, 3))
  redis.call('HSET', KEYS[3], 'token', 'finished')
  redis.call('EXPIRE', KEYS[3], 86400)
end
return 1
