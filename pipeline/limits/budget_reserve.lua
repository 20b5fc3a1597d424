-- Reserves an amount for a job. Whoever reserves for it again shares its reservation, for a job is billed once. Returns the epoch; when it is refused also, after it,
-- the fields that are asked for; nothing when there is no budget.
-- KEYS: budget   ARGV: job, micro-dollars, ms of audio, ticket, fields that tell of a refusal
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch then
  return {}
end

local function fits(unit, wanted, had)
  local ceiling = redis.call('HGET', KEYS[1], 'ceiling_' .. unit)
  return not ceiling or number('spent_' .. unit) + number('reserved_' .. unit) - had + wanted <= tonumber(ceiling)
end

local had_micro_usd, had_audio_ms, tickets = reserved_by(ARGV[1])
had_micro_usd, had_audio_ms = had_micro_usd or 0, had_audio_ms or 0
local micro_usd = math.max(had_micro_usd, tonumber(ARGV[2]))
local audio_ms = math.max(had_audio_ms, tonumber(ARGV[3]))
redis.call('EXPIRE', KEYS[1], KEEP_S)
local fits_both = fits('micro_usd', micro_usd, had_micro_usd) and fits('audio_ms', audio_ms, had_audio_ms)
if fits_both and number('is_reached') == 0 then
  local written = { string.format('%.0f', micro_usd), string.format('%.0f', audio_ms) }
  reserve(ARGV[1], written[1], written[2], (tickets or '') .. ARGV[4] .. ',', had_micro_usd, had_audio_ms)
  return { epoch }
end
put('is_reached', 1)
return { epoch, unpack(redis.call('HMGET', KEYS[1], unpack(ARGV, 5))) }
