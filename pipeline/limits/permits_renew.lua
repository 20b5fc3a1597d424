-- Extends the leases that are still held. Returns the names whose permit was lost.
-- KEYS: permits, in flight   ARGV: lease in ms, name, name, ...
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lost = {}
for i = 2, #ARGV do
  local ends = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if ends and (tonumber(ends) > now or redis.call('HEXISTS', KEYS[2], ARGV[i]) == 1) then
    redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[i])
  else
    lost[#lost + 1] = ARGV[i]
  end
end
return lost
