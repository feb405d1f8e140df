# SPDX-License-Identifier: Apache-2.0
"""Budgets about tenants, features and combinations: every span counts for all subjects it belongs to."""
import collections
import random
import time
from decimal import Decimal

import pytest

from env import otlp
from env.money import span_cost
from env.poll import eventually

PRICE = "0.001"  # dollars per ms
SERVICES = ["payment-svc", "cart", "a:b c"]


@pytest.fixture
def enforcing(spantoll, redis_server, prices):
    """enforcing(budgets, **settings) -> daemon with evaluation windows of one second."""
    def start(budgets, **settings):
        book = prices({f"{s}:/pay": PRICE for s in SERVICES})
        enforcer = {"redis": {"endpoints": [redis_server.address]}, "flush_interval": "100ms",
                    "evaluation_window": "1s", "budgets": budgets} | settings
        return spantoll(processors={"pricing": {"file": book}, "cost": {}}, exporters={"enforcer": enforcer})
    return start


def span(ms, **attrs):
    return otlp.span("POST", attrs={"http.route": "/pay"} | attrs, duration_ms=ms)


def cost(s):
    return span_cost(PRICE, s.end_time_unix_nano - s.start_time_unix_nano)


def flags(redis_server):
    return {k.removeprefix("enforce:throttle:") for k in redis_server.client.keys("enforce:throttle:*")}


def stored(redis_server, key, window="24h"):
    return Decimal(redis_server.client.get(f"cost:rolling:{key}:{window}") or 0)


def test_who_overspends_is_throttled_and_nobody_else(enforcing, redis_server):
    daemon = enforcing([{"match": {"tenant": "*"}, "limit": 10, "window": "1h"},
                        {"match": {"tenant": "*", "service": "cart"}, "limit": 1},
                        {"match": {"feature": "export-*"}, "limit": 1}])
    sent = [span(20_000, **{"tenant.id": "acme"}), span(2_000, **{"tenant.id": "small"}),
            span(50_000), span(50_000, feature="import"), span(3_000, feature="export-pdf")]
    assert daemon.export(otlp.request({"payment-svc": sent, "cart": [span(5_000, **{"tenant.id": "mid:1"})]})).ok
    want = {"tenant:acme", "tenant:mid%3A1:service:cart", "feature:export-pdf"}
    eventually(lambda: flags(redis_server) == want, 20, f"the flags are {want}", every=0.05)
    daemon.wait_log(r"\[COST_ENFORCEMENT\] tenant:acme exceeded budget: \$20\.00/\$10")
    assert stored(redis_server, "tenant:__unattributed__", "1h") == Decimal(103)
    assert stored(redis_server, "feature:__unattributed__") == Decimal(77)
    assert redis_server.client.get("cost:rolling:feature:import:24h") is None  # no budget is for it
    assert redis_server.client.get("cost:rolling:tenant:acme:24h") is None
    time.sleep(1.2)  # one more window: what nobody claimed has no budget
    assert flags(redis_server) == want
    daemon.wait_metric("budget_subject_utilization_pct", 200, dimension="tenant", subject="tenant:acme")
    daemon.wait_metric("spantoll_enforcer_subject_throttled", 1, dimension="tenant,service",
                       subject="tenant:mid%3A1:service:cart")
    assert daemon.metric("cost_by_feature_usd", feature="export-pdf") == 3
    assert daemon.metric("budget_utilization_pct", service="tenant:acme") == 0
