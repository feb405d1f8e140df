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
SERVICES = ["payment-svc", "cart", "b {c}"]


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


def random_spans(r, service):
    values = {"tenant.id": ["acme", "b:c", "größe {x}", 7, None], "feature": ["export", "import", None],
              "customer.team": ["red", True, None]}
    for _ in range(r.randrange(1, 40)):
        chosen = {k: r.choice(v) for k, v in values.items()}
        yield span(r.randrange(1, 10**9) / 1e6, **{k: v for k, v in chosen.items() if v is not None})


def text(v):
    return str(v).lower() if isinstance(v, bool) else str(v)


def encode(v):
    return "".join(c if c not in " {}:%" else "%%%02X" % ord(c) for c in v)


def subjects_of(service, attrs):
    """The keys that a span's money belongs to, under the budgets of the test below."""
    tenant = text(attrs["tenant.id"]) if isinstance(attrs.get("tenant.id"), str) else "__unattributed__"
    feature = attrs.get("feature", "__unattributed__")
    team = text(attrs["customer.team"]) if "customer.team" in attrs else None
    yield encode(f"prod/{service}"), "24h"
    yield f"tenant:{encode(tenant)}", "1h"
    if feature in ("export", "__unattributed__"):
        yield f"tenant:{encode(tenant)}:service:{encode(f'prod/{service}')}:feature:{feature}", "month"
    if team:
        yield f"team:{team}", "24h"
        yield f"tenant:{encode(tenant)}:team:{team}", "24h"


def test_every_subject_has_the_exact_sum_of_its_spans(enforcing, redis_server):
    """An oracle: random spans of three services, five kinds of subjects, a key of two attributes."""
    r, want = random.Random(11), collections.Counter()
    daemon = enforcing([{"match": {"tenant": "*"}, "limit": 10**6, "window": "1h"},
                        {"match": {"service": "*", "tenant": "*", "feature": "ex*"}, "limit": 10**6, "period": "month"},
                        {"match": {"team": "*"}, "limit": 10**6},
                        {"match": {"tenant": "*", "team": "*"}, "limit": 10**6}],
                       key=["deployment.environment.name", "service.name"],
                       dimensions=[{"name": "team", "attributes": ["squad", "customer.team"]}])
    for _ in range(40):
        by_service = {s: list(random_spans(r, s)) for s in SERVICES}
        assert daemon.export(otlp.request(by_service, resource={"deployment.environment.name": "prod"})).ok
        for service, sent in by_service.items():
            for s in sent:
                for key in subjects_of(service, otlp.read_attributes(s.attributes)):
                    want[key] += cost(s)
    want = {k: int(v * 10**9) for k, v in want.items()}  # each sum cut to nanodollars, once

    def found():
        keys = [k for k in redis_server.client.keys("cost:rolling:*") if not k.startswith("{")]
        pairs = {tuple(k.removeprefix("cost:rolling:").rsplit(":", 1)): k for k in keys}
        return {p: int(Decimal(redis_server.client.get(k) or 0) * 10**9) for p, k in pairs.items()}

    def differences():
        have = found()
        return {k: (have.get(k, 0), want.get(k, 0)) for k in have.keys() | want.keys()
                if have.get(k, 0) != want.get(k, 0)}

    eventually(lambda: not differences(), 10, "every sum is exact, and nobody else has one")


def test_names_beyond_the_cap_are_summed_exactly_and_have_no_budget(enforcing, redis_server):
    daemon = enforcing([{"match": {"tenant": "*"}, "limit": 1}], max_services=5)
    sent = [span(100 + i, **{"tenant.id": f"t{i}"}) for i in range(50)]
    assert daemon.export(otlp.request({"payment-svc": sent})).ok
    eventually(lambda: stored(redis_server, "tenant:__overflow__") == sum(cost(s) for s in sent[5:]), 10, "the sum")
    assert sum(stored(redis_server, f"tenant:t{i}") for i in range(50)) == sum(cost(s) for s in sent[:5])
    time.sleep(3.5)  # three windows and more: 4.6 dollars would be over
    assert "tenant:__overflow__" not in flags(redis_server)
