-- Replaces a job's reservation by what it has really used. Returns 0 when it has none: a repeat.
-- KEYS: budget   ARGV: job, micro-dollars, ms of audio
local had_micro_usd, had_audio_ms = reserved_by(ARGV[1])
if not had_micro_usd then
  return 0
end
redis.call('HDEL', KEYS[1], 'job:' .. ARGV[1])
put('reserved_micro_usd', number('reserved_micro_usd') - had_micro_usd)
put('reserved_audio_ms', number('reserved_audio_ms') - had_audio_ms)
put('spent_micro_usd', number('spent_micro_usd') + ARGV[2])
put('spent_audio_ms', number('spent_audio_ms') + ARGV[3])
redis.call('EXPIRE', KEYS[1], KEEP_S)
return 1
