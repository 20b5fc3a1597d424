
-- Forgets the permits whose lease ran out, but for those under which a request is in flight.
local function forget_expired(permits, in_flight)
  for _, job in ipairs(redis.call('ZRANGEBYSCORE', permits, '-inf', now)) do
    if redis.call('HEXISTS', in_flight, job) == 0 then
      redis.call('ZREM', permits, job)
    end
  end
end
