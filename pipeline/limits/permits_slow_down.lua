-- Halves the limit in force, unless it was reduced a moment ago, and gives no new permit for a time.
-- KEYS: ceiling set live, reduction (hash: limit, at_ms, paused_until_ms)
-- ARGV: configured ceiling, ms to recover, cool-down in ms, pause in ms
local limit, _, at, paused_until = in_force(KEYS[1], KEYS[2], ARGV[1], ARGV[2])
if now - at >= tonumber(ARGV[3]) then
  redis.call('HSET', KEYS[2], 'limit', math.max(1, math.floor(limit / 2)), 'at_ms', string.format('%.0f', now))
  at = now
end
if ARGV[4] ~= '0' then
  paused_until = math.max(paused_until, now + ARGV[4])
end
redis.call('HSET', KEYS[2], 'paused_until_ms', string.format('%.0f', paused_until))
-- Once it has grown back, and may be reduced again, the key says nothing and goes by itself.
redis.call('PEXPIREAT', KEYS[2], string.format('%.0f', math.max(paused_until + ARGV[2], at + ARGV[3])))
return 1
