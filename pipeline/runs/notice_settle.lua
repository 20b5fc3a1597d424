-- Keeps of a request only what is needed to recognise repeats, and that not for long.
-- KEYS: request   ARGV: start of the keys of tokens, ms to keep
local token = redis.call('GET', KEYS[1])
redis.call('SET', KEYS[1], token or '', 'PX', ARGV[2])
if token and token ~= '' then
  redis.call('PEXPIRE', ARGV[1] .. token, ARGV[2])
end
return 1
