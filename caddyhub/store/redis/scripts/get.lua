-- ARGV: KIND:ID. Returns the version of the store and the record or false.
return { version, redis.call('GET', record .. ARGV[1]) }
