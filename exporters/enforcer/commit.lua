-- commit.lua: one decision, already made, becomes true: state, then flag; all of it or nothing. The rule is in cost/budget.c.
-- KEYS  1 F = enforce:throttle:<service>   2 {F}:d (state)   3 {F}:shadow
-- ARGV  1 version the state had when it was read ('' = there was none)   2 caller   3 asof_ms of the sums
--       4 evaluation window in ms   5 flag TTL in s   6 flag wanted 0|1   7 shadow flag wanted 0|1
--       8 note: kept with a change, for whoever logs it   9 now_ms ('' = Redis TIME; anything else is for tests)
--       10 n = number of fields to delete   then n fields   then (field, value)*
-- reply {code, version, flag, shadow, change, change id, changed by, last change, its note}; code = ok | conflict | stale
-- State fields: v version of every commit; applied, shadow = what we set; cid, by, what, note = the last change;
-- b:<rule> = one budget. Whoever commits first in a window moves v on: the others meet 'conflict' and change nothing.
local F,D,H=KEYS[1],KEYS[2],KEYS[3]
local asof,E,ttl,n=tonumber(ARGV[3]),tonumber(ARGV[4]),tonumber(ARGV[5]),tonumber(ARGV[10])
if not(asof and E and ttl and n and E>=1 and ttl>=1 and n>=0 and n<=#ARGV-10 and (#ARGV-10-n)%2==0 and #ARGV<=2000)
  then return redis.error_reply('ERR spantoll args') end
local now=tonumber(ARGV[9])
if not now then local t=redis.call('TIME'); now=t[1]*1000+math.floor(t[2]/1000) end
local s=redis.call('HMGET',D,'v','applied','shadow','cid','by','what','note')
local had,shad=s[2]=='1',s[3]=='1'
local function reply(code,v,flag,shadow,change,cid,by,what,note)
  return {code,v,flag and '1' or '0',shadow and '1' or '0',change,cid or '0',by or '',what or '',note or ''} end
if (s[1] or '')~=ARGV[1] then return reply('conflict',s[1] or '',had,shad,'',s[4],s[5],s[6],s[7]) end
if math.abs(now-asof)>E then return reply('stale',s[1] or '',had,shad,'',s[4],s[5],s[6],s[7]) end
local want,shw=ARGV[6]=='1',ARGV[7]=='1'
local ch={}
if want and not had then ch[1]='set' elseif had and not want then ch[1]='release'
elseif want and redis.call('GET',F)~='true' then ch[1]='restore' end
if shw~=shad then ch[#ch+1]=shw and 'shadow_set' or 'shadow_release' end
local change=table.concat(ch,',')
-- both grow over a wipe or a failover to an older copy as well, so that neither is ever used twice
local v=string.format('%d',math.max((tonumber(s[1]) or 0)+1,now))
local cid,by,what,note=s[4],s[5],s[6],s[7]
if n>0 then redis.call('HDEL',D,unpack(ARGV,11,10+n)) end
local w={'v',v,'applied',want and '1' or '0','shadow',shw and '1' or '0'}
for i=11+n,#ARGV do w[#w+1]=ARGV[i] end
if change~='' then
  cid,by,what,note=string.format('%d',math.max((tonumber(cid) or 0)+1,now)),ARGV[2],change,ARGV[8]
  w[#w+1]='cid'; w[#w+1]=cid; w[#w+1]='by'; w[#w+1]=by; w[#w+1]='what'; w[#w+1]=what; w[#w+1]='note'; w[#w+1]=note
end
redis.call('HSET',D,unpack(w))
redis.call('EXPIRE',D,math.max(86400,math.ceil(E/10),2*ttl))
if want then redis.call('SET',F,'true','EX',ttl)
elseif had and redis.call('GET',F)=='true' then redis.call('DEL',F) end    -- another value is somebody else's
if shw then redis.call('SET',H,'true','EX',ttl) elseif shad then redis.call('DEL',H) end
return reply('ok',v,want,shw,change,cid,by,what,note)
