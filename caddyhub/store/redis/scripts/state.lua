-- Stands in front of every other script.
--
-- KEYS[1]            {prefix}, gives the slot; all keys begin with it
-- :state             hash: version of the last commit, its id, and the epoch
-- :record:KIND:ID    version and expiry as 16 hex digits each, then the value
-- :ids:KIND          sorted set of ids, all with score 0, for ordered lists
-- :members           hash: KIND -> version that last added or removed an id
-- :expiry            sorted set of KIND:ID by expiry in Unix milliseconds
-- :changes           stream, one entry a commit, with the version as its id
-- :commit:ID         version of a recent commit, for a minute

if (redis.REDIS_VERSION_NUM or 0) < 0x00070000 then
  return redis.error_reply('OLDSERVER Redis or Valkey 7 or newer is needed')
end

local base = KEYS[1]
local state = base .. ':state'
local record = base .. ':record:'
local epoch, version, last = unpack(redis.call('HMGET', state, 'epoch', 'version', 'last'))

-- Versions of an empty store begin with the time in microseconds: one that was
-- emptied never gives a version again that it has given before.
if not epoch then
  local time = redis.call('TIME')
  version = time[1] .. string.format('%06d', time[2])
  epoch, last = version, version
  redis.call('HSET', state, 'epoch', epoch, 'version', version, 'last', last)
end

local changed = {}

local function ids(kind)
  return base .. ':ids:' .. kind
end

-- commit counts the version up, once for all changes of a script.
local number
local function bump()
  if not number then
    number = string.format('%016x', redis.call('HINCRBY', state, 'version', 1))
  end
  return number
end

local function tell(operation, name)
  changed[#changed + 1] = operation .. #name .. ':' .. name
end

local function delete(kind, id)
  local name = kind .. ':' .. id
  redis.call('HSET', base .. ':members', kind, bump())
  redis.call('DEL', record .. name)
  redis.call('ZREM', ids(kind), id)
  redis.call('ZREM', base .. ':expiry', name)
  tell('d', name)
end

-- publish appends what has changed to the stream. Every entry names the commit
-- before it, so that a follower sees when history was replaced under it.
local function publish(id, backlog)
  if #changed == 0 then
    return version
  end
  version = redis.call('HGET', state, 'version')
  redis.call('XADD', base .. ':changes', 'MAXLEN', '~', backlog, version .. '-0',
    'before', last, 'id', id, 'changes', table.concat(changed))
  redis.call('HSET', state, 'last', id)
  return version
end
