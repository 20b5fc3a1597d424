
-- Returns how many permits are held, the limit in force, and its ceiling.
-- KEYS: permits, ceiling set live, reduction, in flight   ARGV: configured ceiling, ms to recover
forget_expired(KEYS[1], KEYS[4])
local limit, ceiling = in_force(KEYS[2], KEYS[3], ARGV[1], ARGV[2])
return { redis.call('ZCARD', KEYS[1]), limit, ceiling }
