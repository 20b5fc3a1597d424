-- Returns name, request, name, request, ... of the requests in flight whose holder's lease ran out.
-- KEYS: permits, in flight
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = {}
for _, job in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now)) do
  local request = redis.call('HGET', KEYS[2], job)
  if request then
    found[#found + 1] = job
    found[#found + 1] = request
  end
end
return found
