-- Renews the leases that this holder still has. Returns the positions of the others.
-- KEYS: leases   ARGV: holder, lease in ms
local lost = {}
for i, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[1] then
    redis.call('PEXPIRE', key, ARGV[2])
  else
    lost[#lost + 1] = i
  end
end
return lost
