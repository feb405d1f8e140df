# SPDX-License-Identifier: Apache-2.0
"""A flag that one daemon sets is answered by another at once, from its own copy; what people tell one daemon, all do."""
import json
import time
import urllib.error
import urllib.request

import pytest

from env import otlp
from env.poll import eventually
from env.ports import free_port

FLAG = "enforce:throttle:shop"
WITHIN = 1.0


@pytest.fixture
def fleet(spantoll, redis_server, prices):
    """Two daemons that decide every 4 seconds: what is answered sooner came as an event."""
    book = prices({"shop:buy": "10"})

    def start():
        port = free_port()
        enforcer = {"redis": {"endpoints": [redis_server.address], "timeout": "500ms"}, "flush_interval": "100ms",
                    "evaluation_window": "4s", "ema": {"windows": 1},
                    "budgets": [{"match": {"service": "*"}, "limit": 50, "window": "1h"}]}
        daemon = spantoll(processors={"pricing": {"file": book}, "cost": {}}, exporters={"enforcer": enforcer},
                          extensions={"admin": {"endpoint": f"127.0.0.1:{port}", "max_age": "2s"}})
        daemon.api = f"http://127.0.0.1:{port}/v1"
        return daemon

    return start(), start()


def ask(daemon, path, method="GET", **body):
    """(status, JSON)"""
    data = json.dumps(body).encode() if body else None
    request = urllib.request.Request(f"{daemon.api}/{path}", data, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as r:
            return r.status, json.loads(r.read() or b"{}")
    except urllib.error.HTTPError as e:
        return e.code, json.loads(e.read() or b"{}")


def throttled(daemon, service="shop"):
    return ask(daemon, f"throttle/{service}")[0] == 429


def test_a_flag_of_one_daemon_is_answered_by_the_other(fleet, redis_server):
    a, b = fleet
    eventually(lambda: ask(b, "throttle/shop")[1].get("stale") is not True, 10, "the copy is of now")
    assert not throttled(b)
    assert a.export(otlp.many("shop", 10, "buy", duration_ms=10)).ok
    eventually(lambda: redis_server.client.get(FLAG) == "true", 30, "the flag is set", every=0.01)
    began = time.monotonic()
    eventually(lambda: throttled(a) and throttled(b), 10, "both answer", every=0.01)
    assert time.monotonic() - began < WITHIN
    answer = ask(b, "throttle/shop")[1]
    assert answer["throttled"] and answer["subject"] == "shop"


def test_what_one_is_told_all_do_at_once(fleet, redis_server):
    a, b = fleet
    assert ask(a, "overrides/shop", "PUT", action="deny", ttl="1h", why="test")[0] == 200
    began = time.monotonic()
    eventually(lambda: throttled(b) and throttled(a), 10, "the other daemon answers so", every=0.01)
    assert time.monotonic() - began < WITHIN
    assert redis_server.client.get(FLAG) == "true"
    assert ask(b, "kill", "PUT", on=True, why="test")[0] == 200
    began = time.monotonic()
    eventually(lambda: not throttled(a) and not throttled(b) and redis_server.client.get(FLAG) is None, 10,
               "the kill switch frees all", every=0.01)
    assert time.monotonic() - began < WITHIN
    assert ask(a, "kill")[1]["on"] is True
    assert ask(a, "kill", "PUT", on=False)[0] == 200
    eventually(lambda: throttled(a) and throttled(b), 20, "it is back")
    assert ask(b, "overrides/shop", "DELETE")[0] == 200
    eventually(lambda: not throttled(a) and not throttled(b), 10, "it is free")
    events = ask(a, "audit?subject=shop")[1]["events"]
    assert {"override", "set", "release"} <= {e["what"] for e in events}
    assert "unkill" in {e["what"] for e in ask(b, "audit")[1]["events"]}


def test_without_redis_nobody_is_stopped(fleet, redis_server):
    a, b = fleet
    assert ask(a, "overrides/shop", "PUT", action="deny", ttl="1h", why="test")[0] == 200
    eventually(lambda: throttled(b), 10, "it is throttled")
    redis_server.kill()
    eventually(lambda: not throttled(a) and not throttled(b), 20, "an old copy lets everybody pass")
    assert ask(b, "overrides/shop", "DELETE")[0] == 503


def test_a_budget_set_at_run_time_holds_for_all(fleet, redis_server):
    a, b = fleet
    budget = {"match": {"service": "shop"}, "limit": 5, "window": "2h"}
    assert ask(a, "budgets/sale", "PUT", **(budget | {"limt": 5}))[0] == 400
    status, answer = ask(a, "budgets/sale", "PUT", **budget)
    assert status == 200, answer
    began = time.monotonic()

    def known(daemon):
        return {e["name"]: e["source"] for e in ask(daemon, "budgets")[1]["budgets"]}.get("sale") == "run time"

    eventually(lambda: known(a) and known(b), 10, "both know it", every=0.01)
    assert time.monotonic() - began < 2 * WITHIN
    assert b.export(otlp.many("shop", 1, "buy", duration_ms=1)).ok  # 10 dollars: within the configured 50
    eventually(lambda: throttled(a) and throttled(b), 30, "it is throttled by the new one")
    assert ask(b, "budgets/sale", "PUT", **(budget | {"mode": "off"}))[0] == 200
    eventually(lambda: not throttled(a) and not throttled(b), 20, "it is off")
    assert ask(a, "budgets/sale", "DELETE")[0] in (200, 204)
    eventually(lambda: not known(a) and not known(b), 10, "it is gone")
    assert redis_server.client.hlen("spantoll:budgets") == 0
    assert {"budget"} <= {e["what"] for e in ask(b, "audit")[1]["events"]}
