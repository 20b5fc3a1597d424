-- Takes one ticket of a job's reservation back; with the last one it is free again, and nothing was spent.
-- KEYS: budget   ARGV: job, ticket
local had_micro_usd, had_audio_ms, tickets = reserved_by(ARGV[1])
local from, to = string.find(tickets or '', ARGV[2] .. ',', 1, true)
if not from then
  return 0
end
local others = string.sub(tickets, 1, from - 1) .. string.sub(tickets, to + 1)
if others == '' then
  redis.call('HDEL', KEYS[1], 'job:' .. ARGV[1])
  put('reserved_micro_usd', number('reserved_micro_usd') - had_micro_usd)
  put('reserved_audio_ms', number('reserved_audio_ms') - had_audio_ms)
else
  local amounts = string.format('%.0f', had_micro_usd) .. ' ' .. string.format('%.0f', had_audio_ms)
  redis.call('HSET', KEYS[1], 'job:' .. ARGV[1], amounts .. ' ' .. others)
end
return 1
