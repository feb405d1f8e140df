-- SPDX-License-Identifier: Apache-2.0
-- May this request pass? For haproxy.cfg beside this file, whose SPANTOLL_URL says where spantoll is.
-- No request waits for spantoll: a task asks twice a second about every service that was named, and requests go
-- by the last answer. One older than two seconds lets everybody pass.
local url = os.getenv("SPANTOLL_URL") or "http://127.0.0.1:8080"
local EVERY_MS, MAX_AGE_S, WAIT_MS = 500, 2, 1000

-- service -> {service, allowed, retry_after, heard}, and the same as a list; services are those that haproxy.cfg names
local answers, list = {}, {}

local function number(headers, name)
    return headers and headers[name] and tonumber(headers[name][0])
end

-- The share of requests that may pass, and after how many seconds to come again.
local function ask(known)
    local answer = core.httpclient():get{url = url .. "/v1/throttle/" .. known.service, timeout = WAIT_MS}
    local allowed = number(answer and answer.headers, "x-spantoll-allowed")
    if allowed then
        known.allowed, known.heard = allowed, core.now().sec
        known.retry_after = number(answer.headers, "retry-after") or 1
    end
end

core.register_task(function()
    while true do
        for _, known in ipairs(list) do
            ask(known)
        end
        core.msleep(EVERY_MS)
    end
end)

core.register_action("spantoll", {"http-req"}, function(txn, service)
    local known = answers[service]
    if not known then
        answers[service] = {service = service, allowed = 1, retry_after = 1, heard = 0}
        table.insert(list, answers[service])
    elseif core.now().sec - known.heard <= MAX_AGE_S and math.random() >= known.allowed then
        txn:set_var("txn.spantoll_throttled", true)
        txn:set_var("txn.spantoll_retry_after", known.retry_after)
    end
end, 1)
