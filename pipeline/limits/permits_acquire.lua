
-- Takes or renews one permit, unless all are taken or none may be given now. Returns 1 when there is one under this name.
-- A server that was wiped first lets all workers tell what they hold.
-- KEYS: permits (sorted set: name -> end of its lease in ms), ceiling set live, reduction, in flight, since
-- ARGV: name, lease in ms, configured ceiling, ms to recover, ms to regather
forget_expired(KEYS[1], KEYS[4])
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  redis.call('SET', KEYS[5], string.format('%.0f', now), 'NX')
  if now < redis.call('GET', KEYS[5]) + ARGV[5] then
    return 0
  end
  local limit, _, _, paused_until = in_force(KEYS[2], KEYS[3], ARGV[3], ARGV[4])
  if now < paused_until or redis.call('ZCARD', KEYS[1]) >= limit then
    return 0
  end
end
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
return 1
