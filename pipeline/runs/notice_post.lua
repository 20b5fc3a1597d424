-- Notes that a request has ended, unless that is noted already, and tells whoever reads the news.
-- A request stays with the token under which it came first: a copy that is sent elsewhere changes nothing.
-- KEYS: request, requests of the token, news
-- ARGV: request id, token, notice, ms to keep, most requests of a token, length of the news
if not redis.call('SET', KEYS[1], ARGV[2], 'NX', 'PX', ARGV[4]) then
  return 0
end
if redis.call('LLEN', KEYS[2]) < tonumber(ARGV[5]) then
  redis.call('RPUSH', KEYS[2], ARGV[3])
  redis.call('PEXPIRE', KEYS[2], ARGV[4])
end
redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[6], '*', 'request', ARGV[1])
return 1
