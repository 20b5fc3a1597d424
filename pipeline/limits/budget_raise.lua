-- Puts other ceilings in force, and grants again what fits. Returns 0 when there is no budget.
-- KEYS: budget   ARGV: ceilings in micro-dollars and in ms of audio
if redis.call('EXISTS', KEYS[1]) == 0 then
  return 0
end
put_ceiling('micro_usd', ARGV[1])
put_ceiling('audio_ms', ARGV[2])
put('is_reached', 0)
redis.call('EXPIRE', KEYS[1], KEEP_S)
return 1
