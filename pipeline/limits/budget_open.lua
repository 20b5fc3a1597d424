-- Begins a budget in place of what was there. A repeat after a lost reply leaves what was reserved since.
-- KEYS: budget   ARGV: epoch, ceilings, spent, then job and reserved, job and reserved, ...
-- Every amount is two arguments: micro-dollars, and ms of audio.
if redis.call('HGET', KEYS[1], 'epoch') == ARGV[1] then
  return 0
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'is_reached', 0)
put_ceiling('micro_usd', ARGV[2])
put_ceiling('audio_ms', ARGV[3])
redis.call('HSET', KEYS[1], 'spent_micro_usd', ARGV[4], 'spent_audio_ms', ARGV[5])
redis.call('HSET', KEYS[1], 'reserved_micro_usd', 0, 'reserved_audio_ms', 0)
for i = 6, #ARGV, 3 do
  reserve(ARGV[i], ARGV[i + 1], ARGV[i + 2], 'adopted,', 0, 0) -- a ticket that nobody holds
end
redis.call('EXPIRE', KEYS[1], KEEP_S)
return 1
