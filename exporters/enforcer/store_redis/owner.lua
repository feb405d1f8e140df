-- owner.lua: whose the sums are. Sets the name where there is none, renews it for whom it names, and answers with what holds.
-- KEYS  1 spantoll:owner     ARGV  1 who asks   2 life in seconds
local had=redis.call('GET',KEYS[1])
if not had then
  redis.call('SET',KEYS[1],ARGV[1],'EX',ARGV[2])
  return ARGV[1]
end
if had==ARGV[1] then redis.call('EXPIRE',KEYS[1],ARGV[2]) end
return had
