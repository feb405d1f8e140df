-- commit.lua: one decision, already made, becomes true: audit record, state, flag, event; all of it or nothing. The rule is
-- in cost/budget.c, what it yields to (kill switch, override, cap) in budget/outcome.c.
-- KEYS  1 F = enforce:throttle:<subject>   2 {F}:d (state)   3 {F}:shadow   4 {F}:audit (stream)   5 {F}:override
--       6 enforce:throttled   7 enforce:kill   (6 and 7 lie elsewhere in a cluster: then they are not given)
-- ARGV  1 version the state had when it was read ('' = there was none)   2 caller
--       3 asof_ms of the sums ('' = nothing is evaluated, so they may be old)
--       4 evaluation window in ms   5 flag TTL in s   6 flag wanted 0|1, 2 = 1, but tell first if it is missing
--       7 shadow flag wanted 0|1
--       8 note: a JSON object about the decision, for whoever reads of a change   9 now_ms ('' = Redis TIME; else for tests)
--       10 override that was read (allow | deny | '')   11 was the kill switch on 0|1   12 held back by the cap 0|1
--       13 places of this kind of subject ('' = no cap)   14 subject   15 n = number of fields to delete
--       then n fields   then (field, value)*
-- reply {code, version, flag, shadow, change, change id, changed by, last change, its note, capped, until_ms}
-- code = ok | conflict (state or override has changed: read again) | killed | unkilled (the same for the kill switch)
--      | stale (sums older than one window) | audit (no record could be written, so no flag was set)
--      | missing (it would be set again: the caller has a record to write before)
-- State fields: v version of every commit; applied, shadow, capped = what holds; until = end of the flag, ms; cid, by, what,
-- note = the last change; b:<rule> = one budget. Whoever commits first in a window moves v on: the others change nothing.
local F,D,H,A,O,T,K=unpack(KEYS)
local asof,E,ttl,n=tonumber(ARGV[3]),tonumber(ARGV[4]),tonumber(ARGV[5]),tonumber(ARGV[15])
if not(E and ttl and n and E>=1 and ttl>=1 and n>=0 and n<=#ARGV-15 and (#ARGV-15-n)%2==0 and #ARGV<=2000 and
  (asof or ARGV[3]=='') and ARGV[8]:sub(1,2)=='{"') then return redis.error_reply('ERR spantoll args') end
local now=tonumber(ARGV[9])
if not now then local t=redis.call('TIME'); now=t[1]*1000+math.floor(t[2]/1000) end
local function get(k) local x=redis.pcall('GET',k) return type(x)=='string' and x or '' end   -- of another type: nobody's
local function shared(c,...)                                                  -- nor does it hold up what is about one subject
  local r=redis.pcall(c,T,...)
  if type(r)=='table' and r.err and r.err:find('WRONGTYPE',1,true) then redis.call('DEL',T); r=redis.pcall(c,T,...) end
  return r end
local function int(x) return string.format('%d',x) end
local s=redis.call('HMGET',D,'v','applied','shadow','cid','by','what','note','capped','until')
local had,shad=s[2]=='1',s[3]=='1'
local function reply(code,v,flag,shadow,change,cid,by,what,note,capped,til)
  return {code,v,flag and '1' or '0',shadow and '1' or '0',change,cid or '0',by or '',what or '',note or '',capped and '1' or '0',til or '0'} end
local function no(code) return reply(code,s[1] or '',had,shad,'',s[4],s[5],s[6],s[7],s[8]=='1',s[9]) end
local over=get(O)
if over~='allow' and over~='deny' then over='' end
if (s[1] or '')~=ARGV[1] or over~=ARGV[10] then return no('conflict') end
if K and int(redis.call('EXISTS',K))~=ARGV[11] then return no(ARGV[11]=='0' and 'killed' or 'unkilled') end
if asof and math.abs(now-asof)>E then return no('stale') end
local want,shw,capped,places=ARGV[6]~='0',ARGV[7]=='1',ARGV[12]=='1',tonumber(ARGV[13])
local function kind(subject) return (subject:gsub(':[^:]*(:?)','%1')) end   -- tenant:a:service:b -> tenant:service
if want and over=='' and places and T and not shared('ZSCORE',ARGV[14]) then    -- a new one needs a place
  redis.call('ZREMRANGEBYSCORE',T,'-inf',int(now))
  local mine,plain,taken=kind(ARGV[14]),not ARGV[14]:find(':',1,true),0
  for _,m in ipairs(redis.call('ZRANGE',T,0,-1)) do
    local p=not m:find(':',1,true)
    if p==plain and (p or kind(m)==mine) then taken=taken+1 end
  end
  if taken>=places then want=false; capped=true end
end
local ch={}
if want and not had then ch[1]='set' elseif had and not want then ch[1]=capped and 'capped' or 'release'
elseif want and get(F)~='true' then
  if ARGV[6]=='2' then return no('missing') end
  ch[1]='restore'
elseif capped and s[8]~='1' then ch[1]='capped' end
if shw~=shad then ch[#ch+1]=shw and 'shadow_set' or 'shadow_release' end
local change=table.concat(ch,',')
-- both grow over a wipe or a failover to an older copy as well, so that neither is ever used twice
local v=int(math.max((tonumber(s[1]) or 0)+1,now))
local cid,by,what,note=s[4],s[5],s[6],s[7]
local px=ttl*1000
if over=='deny' then local left=redis.call('PTTL',O) if left>0 then px=math.min(px,left) end end
local til=want and int(now+px) or '0'
local said={}
if change~='' then
  cid,by,what=int(math.max((tonumber(cid) or 0)+1,now)),ARGV[2],change
  for i,c in ipairs(ch) do
    said[i]='{"time_ms":'..int(now)..',"change_id":'..cid..',"what":"'..c..'",'..(want and '"until_ms":'..til..',' or '')..ARGV[8]:sub(2)
    local r=redis.pcall('XADD',A,'MAXLEN','~','1000','*','event',said[i])
    if type(r)=='table' and r.err and r.err:find('WRONGTYPE',1,true) then redis.call('DEL',A); r=redis.pcall('XADD',A,'*','event',said[i]) end
    if type(r)=='table' and r.err and want then return no('audit') end    -- what is released is released
  end
  note=said[1]
  redis.pcall('EXPIRE',A,2592000)
end
if n>0 then redis.call('HDEL',D,unpack(ARGV,16,15+n)) end
local w={'v',v,'applied',want and '1' or '0','shadow',shw and '1' or '0','capped',capped and '1' or '0','until',til}
for i=16+n,#ARGV do w[#w+1]=ARGV[i] end
if change~='' then
  w[#w+1]='cid'; w[#w+1]=cid; w[#w+1]='by'; w[#w+1]=by; w[#w+1]='what'; w[#w+1]=what; w[#w+1]='note'; w[#w+1]=note
end
redis.call('HSET',D,unpack(w))
redis.call('EXPIRE',D,math.max(86400,math.ceil(E/10),2*ttl))
if want then redis.call('SET',F,'true','PX',int(px))
elseif had and get(F)=='true' then redis.call('DEL',F) end                -- another value is somebody else's
if shw then redis.call('SET',H,'true','EX',ttl) elseif shad then redis.call('DEL',H) end
if T then
  if want and over=='' then shared('ZADD',til,ARGV[14]); shared('EXPIRE',math.max(86400,2*ttl))
  elseif had or over~='' then shared('ZREM',ARGV[14]) end
end
for i=1,#said do redis.pcall('PUBLISH','enforce:events',said[i]) end
return reply('ok',v,want,shw,change,cid,by,what,note,capped,til)
