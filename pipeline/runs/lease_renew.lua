-- Renews the leases that are still held as the caller says. Returns the positions of the others.
-- KEYS: leases   ARGV: lease in ms, then holder and token of each lease
local lost = {}
for i, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[i + 1] then
    redis.call('PEXPIRE', key, ARGV[1])
  else
    lost[#lost + 1] = i
  end
end
return lost
