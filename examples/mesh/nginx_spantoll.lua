-- SPDX-License-Identifier: Apache-2.0
-- May this request pass? For nginx.conf beside this file.
local answers = ngx.shared.spantoll
local KEEP_S = 1 -- how long an answer holds, also that spantoll is away

-- The share of requests that may pass, and after how many seconds to come again. No answer lets everybody pass.
local function ask(service)
    local answer = ngx.location.capture("/_spantoll/" .. ngx.escape_uri(service))
    local allowed = tonumber(answer.header["X-Spantoll-Allowed"])
    if not allowed then
        ngx.log(ngx.WARN, "spantoll has no answer about ", service, ", status ", answer.status)
        return 1, 0
    end
    return allowed, tonumber(answer.header["Retry-After"]) or 1
end

-- When an answer is over, one request asks and the others go by the old one meanwhile.
local function find(service)
    local allowed, retry_after, over = answers:get_stale(service)
    if allowed and not (over and answers:add("asking about " .. service, true, 0.2)) then
        return allowed, retry_after
    end
    allowed, retry_after = ask(service)
    answers:set(service, allowed, KEEP_S, retry_after)
    return allowed, retry_after
end

local spantoll = {}

-- In access_by_lua: ends the request with 429, or returns.
function spantoll.check(service)
    local allowed, retry_after = find(service)
    if math.random() < allowed then
        return
    end
    ngx.status = 429
    ngx.header["Retry-After"] = retry_after
    ngx.header["Content-Type"] = "application/json"
    ngx.print('{"throttled":true}')
    return ngx.exit(429)
end

return spantoll
