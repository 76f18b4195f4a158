-- ARGV: commit id, backlog, then three lists, each with its length in front:
--   reads  KIND:ID, version seen or ''
--   lists  kind, lowest, highest, limit, version of the members, hash of the ids
--   writes 'w' or 'd', kind, id, expiry, value
-- Returns 1 and the version, or 0 when something that was read has changed.
-- Without writes it only checks.
local id, backlog = ARGV[1], ARGV[2]
local at = 3

local function take()
  at = at + 1
  return ARGV[at - 1]
end

local remembered = base .. ':commit:' .. id
local before = redis.call('GET', remembered)
if before then
  return { 1, before }
end

for _ = 1, tonumber(take()) do
  local name, seen = take(), take()
  if redis.call('GETRANGE', record .. name, 0, 15) ~= seen then
    return { 0, version }
  end
end

-- When the kind has other members than before, they may still be the same
-- within the range that was listed.
for _ = 1, tonumber(take()) do
  local kind, lowest, highest, limit, members, hash = take(), take(), take(), take(), take(), take()
  if (redis.call('HGET', base .. ':members', kind) or '') ~= members then
    local parts = {}
    for i, found in ipairs(redis.call('ZRANGE', ids(kind), lowest, highest, 'BYLEX', 'LIMIT', 0, limit)) do
      parts[i] = #found .. ':' .. found
    end
    if redis.sha1hex(table.concat(parts)) ~= hash then
      return { 0, version }
    end
  end
end

for _ = 1, tonumber(take()) do
  local operation, kind, key, expiry, value = take(), take(), take(), take(), take()
  local name = kind .. ':' .. key
  local exists = redis.call('EXISTS', record .. name) == 1
  if operation == 'w' then
    redis.call('SET', record .. name, bump() .. string.format('%016x', expiry) .. value)
    if not exists then
      redis.call('ZADD', ids(kind), 0, key)
      redis.call('HSET', base .. ':members', kind, bump())
    end
    if expiry ~= '0' then
      redis.call('ZADD', base .. ':expiry', expiry, name)
    elseif exists then
      redis.call('ZREM', base .. ':expiry', name)
    end
    tell('w', name)
  elseif exists then
    delete(kind, key)
  end
end

if #changed > 0 then
  version = publish(id, backlog)
  redis.call('SET', remembered, version, 'PX', 60000)
end
return { 1, version }
