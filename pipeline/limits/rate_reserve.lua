-- Books the next free moment (GCRA). Returns the wait in microseconds, or -1 when it is too long and nothing was booked.
-- KEYS: rate (string: when the bucket is full again, in us)   ARGV: us per token, burst, longest wait in us
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local full_at = math.max(now, tonumber(redis.call('GET', KEYS[1]) or 0))
local wait = math.max(0, full_at - ARGV[1] * (ARGV[2] - 1) - now)
if wait > tonumber(ARGV[3]) then
  return -1
end
full_at = full_at + ARGV[1]
-- Lua would print a number of this size in scientific notation. The key goes by itself once it says nothing.
redis.call('SET', KEYS[1], string.format('%.0f', full_at), 'PX', math.ceil((full_at - now) / 1000))
return wait
