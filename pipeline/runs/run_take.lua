-- Removes the oldest rows, once per token: a client that lost the reply asks again, and must not remove more.
-- KEYS: rows, last token   ARGV: count, token
if redis.call('GET', KEYS[2]) == ARGV[2] then
  return 0
end
redis.call('LTRIM', KEYS[1], ARGV[1], -1)
redis.call('SET', KEYS[2], ARGV[2], 'EX', 600)
return 1
