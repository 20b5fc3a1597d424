-- Stands before every script of the budget. A run's budget is one hash, so that it is there as a whole or not at all:
-- epoch, is_reached, {ceiling,spent,reserved}_{micro_usd,audio_ms}, and per reservation job:ID = "micro_usd audio_ms ticket,ticket,".
-- A run that nobody continues for this long is over, and its budget goes by itself.
local KEEP_S = 30 * 86400

local function number(name)
  return tonumber(redis.call('HGET', KEYS[1], name) or 0)
end

-- Written out: some servers print large numbers in scientific notation.
local function put(name, value)
  redis.call('HSET', KEYS[1], name, string.format('%.0f', value))
end

-- Sets a ceiling; an empty text means without limit.
local function put_ceiling(unit, text)
  if text == '' then
    redis.call('HDEL', KEYS[1], 'ceiling_' .. unit)
  else
    redis.call('HSET', KEYS[1], 'ceiling_' .. unit, text)
  end
end

-- What a job has reserved, in micro-dollars and milliseconds, and its tickets, each with a comma; nil without reservation.
local function reserved_by(job)
  local held = redis.call('HGET', KEYS[1], 'job:' .. job) or ''
  local micro_usd, audio_ms, tickets = string.match(held, '^(%d+) (%d+) ([%w,]*)$')
  return tonumber(micro_usd), tonumber(audio_ms), tickets
end

-- Puts a job's reservation in place of one that was `had_...` before.
local function reserve(job, micro_usd, audio_ms, tickets, had_micro_usd, had_audio_ms)
  redis.call('HSET', KEYS[1], 'job:' .. job, micro_usd .. ' ' .. audio_ms .. ' ' .. tickets)
  put('reserved_micro_usd', number('reserved_micro_usd') - had_micro_usd + micro_usd)
  put('reserved_audio_ms', number('reserved_audio_ms') - had_audio_ms + audio_ms)
end
