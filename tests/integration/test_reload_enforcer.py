# SPDX-License-Identifier: Apache-2.0
"""An enforcer that changes keeps its totals, averages and flags, and counts nothing twice."""
import threading
from decimal import Decimal

import pytest

from env import otlp
from env.poll import eventually

pytestmark = pytest.mark.core

KEY, FLAG = "cost:rolling:shop:24h", "enforce:throttle:shop"
PRICE_SERVED = Decimal("0.01")  # a span of 10 ms at 0.001 per ms


@pytest.fixture
def configured(prices, redis_server):
    """configured(enforcer settings, ...) -> arguments of a daemon whose spans shop:buy cost a cent each."""
    book = prices({"shop:buy": "0.001"})

    def make(name="enforcer", **settings):
        enforcer = {"redis": {"endpoints": [redis_server.address], "timeout": "500ms"}, "flush_interval": "100ms",
                    "evaluation_window": "1s"} | settings
        return {"processors": {"pricing": {"file": book}, "cost": {}}, "exporters": {name: enforcer}}

    return make


def budget(limit, window="24h", **more):
    return {"match": {"service": "*"}, "limit": limit, "window": window, **more}


def spend(daemon, spans):
    assert daemon.export(otlp.many("shop", spans, "buy", duration_ms=10)).ok


def in_redis(redis_server, key=KEY):
    return Decimal(redis_server.client.get(key) or 0)


def test_totals_go_on_over_changes_of_everything(spantoll, configured, redis_server):
    """Other budgets, another queue, other connection settings; under load, with the sum exact at the end."""
    daemon = spantoll(**configured(budgets=[budget(500)]))
    stop, sent = threading.Event(), []

    def send():
        client = daemon.new_client()
        while not stop.is_set():
            if client.export(otlp.many("shop", 10, "buy", duration_ms=10)).ok:
                sent.append(10)

    threads = [threading.Thread(target=send) for _ in range(2)]
    for t in threads:
        t.start()
    changes = [{"budgets": [budget(400)]}, {"budgets": [budget(400), budget(50, "1h", mode="shadow")]},
               {"budgets": [budget(400)], "sending_queue": {"queue_size": 500}},
               {"redis": {"endpoints": [redis_server.address], "timeout": "700ms"}, "max_services": 5000},
               {"evaluation_window": "2s", "ema": {"alpha": 0.5}}]
    for i in range(15):
        daemon.reload(**configured(**changes[i % len(changes)]))
    stop.set()
    for t in threads:
        t.join()
    total = sum(sent) * PRICE_SERVED
    eventually(lambda: in_redis(redis_server) == total, 20, f"Redis has {total}")
    assert daemon.metric("cost_per_service", service="shop") == total
    assert daemon.metric("spantoll_enforcer_publishes") > 0
    assert daemon.stop() == 0
    assert in_redis(redis_server) == total
    instances = [k for k in redis_server.client.keys("*") if ":i:" in k and KEY in k]
    assert len(instances) == 1, instances


def test_a_flag_holds_and_a_higher_budget_releases_it(spantoll, configured, redis_server):
    daemon = spantoll(**configured(budgets=[budget(1)], ema={"alpha": 1, "windows": 2}))
    spend(daemon, 200)
    eventually(lambda: redis_server.client.get(FLAG) == "true", 20, "the flag is set")
    # The limit is a little higher: still far over it, so nothing is released and nothing starts anew.
    daemon.reload(**configured(budgets=[budget("1.5")], ema={"alpha": 1, "windows": 2}))
    decisions = daemon.metric("spantoll_enforcer_decisions")
    eventually(lambda: daemon.metric("spantoll_enforcer_decisions") >= decisions + 3, 20, "three windows pass")
    assert redis_server.client.get(FLAG) == "true"
    assert daemon.metric("spantoll_enforcer_flags_released") == 0
    daemon.reload(**configured(budgets=[budget(100)], ema={"alpha": 1, "windows": 2}))
    eventually(lambda: redis_server.client.get(FLAG) is None, 20, "the flag is released")
    assert daemon.metric("spantoll_enforcer_flags_set") == 1
    assert in_redis(redis_server) == 2


def test_a_window_that_comes_back_counts_on(spantoll, configured, redis_server):
    """This daemon has forgotten what it had published of it; Redis has not."""
    with_hour, without = configured(budgets=[budget(500), budget(50, "1h")]), configured(budgets=[budget(500)])
    hour = "cost:rolling:shop:1h"
    daemon = spantoll(**with_hour)
    spend(daemon, 100)
    eventually(lambda: in_redis(redis_server, hour) == 1, 20, "the hour is summed up")
    daemon.reload(**without)
    daemon.reload(**with_hour)
    spend(daemon, 50)
    eventually(lambda: in_redis(redis_server) == Decimal("1.5"), 20, "the day has all")
    eventually(lambda: in_redis(redis_server, hour) == Decimal("1.5"), 20, "and the hour")


def test_memory_becomes_redis(spantoll, configured, redis_server):
    daemon = spantoll(**configured(store="memory"))
    spend(daemon, 100)
    daemon.wait_metric("cost_per_service", 1, service="shop")
    eventually(lambda: daemon.metric("budget_utilization_pct", service="shop") > 0, 20, "it is summed up")
    daemon.reload(**configured())
    eventually(lambda: in_redis(redis_server) == 1, 20, "Redis has what was spent before")
    spend(daemon, 100)
    eventually(lambda: in_redis(redis_server) == 2, 20, "and after")
    assert daemon.metric("cost_per_service", service="shop") == 2
    daemon.reload(**configured(store="memory"))
    spend(daemon, 100)
    eventually(lambda: daemon.metric("cost_per_service", service="shop") == 3, 20, "memory goes on")


def test_another_id_shows_its_metrics(spantoll, configured):
    daemon = spantoll(**configured(store="memory"))
    daemon.reload(**configured("enforcer/other", store="memory"))
    spend(daemon, 100)
    eventually(lambda: daemon.metric("cost_per_service", service="shop") == 1, 20, "the new one is shown")
