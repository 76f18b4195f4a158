-- ARGV: KIND:ID, once or several times. Returns the version of the store and
-- every record or false.
local reply = { version }
for _, name in ipairs(ARGV) do
  reply[#reply + 1] = redis.call('GET', record .. name)
end
return reply
