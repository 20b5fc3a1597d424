-- Stands before every script that asks for the limit: the server's time, and what is in force at it.
-- A reduction is kept as it was made; how far it has grown back since is reckoned when somebody asks.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- Returns the limit in force, its ceiling, when it was last reduced (in ms), and until when no new permit is given.
-- Arguments: key of a ceiling set live, key of the reduction, ceiling when none is set live, ms to grow from 1 to it
local function in_force(ceiling_key, reduced_key, configured, recover_ms)
  local set_live = redis.call('GET', ceiling_key)
  local ceiling = tonumber(set_live and string.match(set_live, '^%d+$') or configured)
  local reduced = redis.call('HMGET', reduced_key, 'limit', 'at_ms', 'paused_until_ms')
  if not reduced[1] then
    return ceiling, ceiling, 0, 0
  end
  local at, paused_until = tonumber(reduced[2]), tonumber(reduced[3])
  local growing_for = math.max(0, now - math.max(at, paused_until))
  local grown = math.floor(reduced[1] + math.max(0, ceiling - 1) * growing_for / recover_ms)
  return math.min(ceiling, grown), ceiling, at, paused_until
end
