-- ARGV: kind, lowest and highest id as ZRANGE BYLEX takes them, limit.
-- Returns the version of the store, that of the kind's members, and id and
-- record (or false) by turns.
local kind = ARGV[1]
local found = redis.call('ZRANGE', ids(kind), ARGV[2], ARGV[3], 'BYLEX', 'LIMIT', 0, ARGV[4])
local reply = { version, redis.call('HGET', base .. ':members', kind) or '' }
for _, id in ipairs(found) do
  reply[#reply + 1] = id
  reply[#reply + 1] = redis.call('GET', record .. kind .. ':' .. id)
end
return reply
