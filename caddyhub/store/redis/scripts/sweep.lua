-- ARGV: commit id, backlog, time in Unix milliseconds, limit.
-- Removes records that have expired, the oldest first. Returns how many.
local due = redis.call('ZRANGE', base .. ':expiry', '-inf', ARGV[3], 'BYSCORE', 'LIMIT', 0, ARGV[4])
for _, name in ipairs(due) do
  local colon = string.find(name, ':', 1, true)
  delete(string.sub(name, 1, colon - 1), string.sub(name, colon + 1))
end
publish(ARGV[1], ARGV[2])
return #due
