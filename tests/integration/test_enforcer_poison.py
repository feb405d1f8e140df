# SPDX-License-Identifier: Apache-2.0
"""Spans that no SDK should send: impossible amounts and times, a million names, names that are no names. Totals are
conserved to the nanodollar, Redis holds a bounded number of keys of bounded length, and nobody else's flag moves."""
import math
import time
from decimal import Decimal

import pytest

from env import otlp
from env.daemon import BINARY
from env.poll import eventually
from env.test_clock import TestClock

HOUR_NS, DAY_MS = 3600 * 10**9, 86_400_000
MEMORY_MIB = 700 if "asan" in BINARY.parts or "tsan" in BINARY.parts else 160
KEY_BYTES = 400  # name 128, prefix, window, instance, braces
BOOK = """format: spantoll.prices/v1
rules:
  - {id: pay, match: {operation: /pay}, price: [{meter: duration, usd: 0.001, per: 1ms}]}
  - {id: work, match: {operation: /work}, price: [{meter: attribute, attribute: work.units, usd: 0.001, per: 1}]}
"""


class Victims:
    """A daemon with two well-known services: `heavy` is throttled, `light` never; time is ours."""

    def __init__(self, spantoll, redis_server, directory, **enforcer):
        self.redis, self.clock = redis_server.client, TestClock(directory / "clock")
        (directory / "prices.yaml").write_text(BOOK)
        settings = {"redis": {"endpoints": [redis_server.address]}, "flush_interval": "50ms",
                    "evaluation_window": "60s", "test_clock": str(self.clock.path),
                    "throttle": {"max_throttled_fraction": 1},
                    "budgets": [{"match": {"service": "*"}, "limit": 500}]} | enforcer
        self.daemon = spantoll(processors={"pricing": {"file": str(directory / "prices.yaml")}, "cost": {}},
                               exporters={"enforcer": settings})
        self.spans, self.spent = 0, Decimal(0)
        self.send({"heavy": [pay(600_000)], "light": [pay(400_000)]}, usd=1000)

    def send(self, spans_by_service, usd):
        self.send_raw(otlp.request(spans_by_service), sum(map(len, spans_by_service.values())), usd)

    def send_raw(self, body, spans, usd):
        """usd: what all of it costs."""
        answer = self.daemon.export(body, timeout=60)
        assert answer.ok and not answer.rejected, answer
        self.spans += spans
        self.spent += usd

    def settle(self):
        """All is folded and in Redis."""
        self.daemon.wait_metric("otelcol_exporter_sent_spans", self.spans, exporter="enforcer", timeout=15)
        eventually(lambda: self.daemon.metric("spantoll_enforcer_waiting_usd") == 0, 10, "published")

    def windows(self, count):
        for _ in range(count):
            self.clock.ms += 60_000
            eventually(lambda: self.daemon.metric("spantoll_enforcer_decided_until_milliseconds") >= self.clock.ms, 10,
                       "decided")

    def totals(self):
        keys = sorted(self.redis.scan_iter("cost:rolling:*:24h", count=1000))
        return dict(zip([k[len("cost:rolling:"):-len(":24h")] for k in keys], map(Decimal, self.redis.mget(keys))))

    def flags(self):
        return {k[len("enforce:throttle:"):] for k in self.redis.scan_iter("enforce:throttle:*", count=1000)}

    def check(self, flags=("heavy",)):
        """After three more windows everything is as if only good spans had come."""
        self.settle()
        self.windows(3)
        totals = self.totals()
        assert sum(totals.values()) == self.spent, (sum(totals.values()), self.spent)
        assert self.flags() == set(flags)
        assert all(len(key) <= KEY_BYTES for key in self.redis.scan_iter(count=1000))
        return totals


@pytest.fixture
def victims(spantoll, quick_redis, tmp_path):
    return lambda **enforcer: Victims(spantoll, quick_redis, tmp_path, **enforcer)


def pay(ms, **fields):
    return otlp.span("POST", attrs={"http.route": "/pay"}, duration_ms=ms, **fields)


def paid_for(tenant, ms):
    return otlp.span("POST", attrs={"http.route": "/pay", "tenant.id": tenant}, duration_ms=ms)


def work(units):
    return otlp.span("POST", attrs={"http.route": "/work", "work.units": units})


def test_impossible_amounts_count_nothing_and_touch_nobody(victims):
    v = victims()
    bad = [math.nan, -math.nan, math.inf, -math.inf, -1.0, -0.5, 1e308, -1e308, 1e30, 5e-324, "1e308", "NaN", True, b"1",
           [1.0], {"a": 1}, -1, 2**63 - 1]
    v.send({name: [work(units) for units in bad] for name in ("light", "heavy", "stranger")}, usd=0)
    end = time.time_ns()
    backwards = pay(0, end_ns=end)
    backwards.start_time_unix_nano = end + 1
    zero, ancient, far = pay(0), pay(0, end_ns=1), pay(0, end_ns=2**64 - 1)
    zero.start_time_unix_nano = zero.end_time_unix_nano = 0
    ancient.start_time_unix_nano, far.start_time_unix_nano = 0, 0
    longest = pay(0, end_ns=end)
    longest.start_time_unix_nano = end - 24 * HOUR_NS - 1
    v.send({"light": [backwards, far, longest, zero]}, usd=0)
    v.send({"stranger": [ancient]}, usd=Decimal("1e-9"))  # a nanosecond in 1970
    assert v.check() == {"heavy": 600, "light": 400, "stranger": Decimal("1e-9")}
    assert sum(v.daemon.metric("spantoll_unpriced_spans", reason=r) for r in ("invalid_quantity", "overflow")) > 0


def test_timestamps_do_not_move_money_in_time(victims):
    v = victims()
    now = time.time_ns()
    for end in (now + 10**6 * HOUR_NS, now - 10**5 * HOUR_NS, 10**9, 2**63 - 1, 2**64 - 1):
        v.send({"traveller": [pay(1000, end_ns=end)]}, usd=1)
    assert v.check()["traveller"] == 5  # all of it now: money is counted when it is received


NAMES = ["", " ", "a b", "a%20b", "a{b}", "{a}", "a:b", "a:b:24h", "a\nb", "a\r\nb", "a\tb", "a\0b", "%", "%%", "100%",
         "__overflow__", "__unattributed__", "naïve-svc", "サービス", "🚀" * 40, "x" * 127, "x" * 128, "x" * 129, "y" * 10_000,
         "y" * 9_999 + "z", "enforce:throttle:light", "cost:rolling:light:24h", "{light}", "light ", "*", "?", "light\0"]


def test_names_that_are_no_names_are_told_apart(victims):
    v = victims()
    for i, name in enumerate(NAMES):
        v.send({name: [pay(i + 1)]}, usd=Decimal(i + 1) / 1000)
    raw = otlp.request({"INVALID!": [pay(5000)]}).SerializeToString()
    assert raw.count(b"INVALID!") == 1
    for broken in (b"\xff\xfe\xc0\xaf\x80abc", b"\xed\xa0\x80light", b"light\xff\xff\xff"):
        v.send_raw(raw.replace(b"INVALID!", broken), 1, usd=5)
    totals = v.check()
    assert len(totals) == 2 + len(NAMES) + 3 and max(map(len, totals)) <= 128
    assert not any(set(name) & set("{} \n\r\t\0") for name in totals)
    assert totals["light"] == 400 and sorted(totals.values())[:len(NAMES)] == [Decimal(i + 1) / 1000 for i in
                                                                             range(len(NAMES))]


def test_an_odd_name_is_throttled_under_its_own_key(victims):
    v = victims()
    v.send({"a:b{c} %\n": [pay(700_000)]}, usd=700)
    v.check(flags=("heavy", "a%3Ab%7Bc%7D%20%25%0A"))
    assert v.redis.get("enforce:throttle:a%3Ab%7Bc%7D%20%25%0A") == "true"


def subjects(totals, dimension):
    """Those of one dimension, by value as it stands in the key. A service alone has no ':' in its key."""
    if dimension == "service":
        return {key: usd for key, usd in totals.items() if ":" not in key}
    return {key.split(":")[1]: usd for key, usd in totals.items() if key.startswith(dimension + ":")}


def test_tenants_that_are_none_are_told_apart_and_ten_thousand_are_bounded(victims):
    most, tenants = 100, 10_000
    v = victims(max_services=most, budgets=[{"match": {"service": "*"}, "limit": 500},
                                            {"match": {"tenant": "*"}, "limit": 500}])
    odd = [name for name in NAMES if name not in ("", "__unattributed__", "__overflow__")]
    for i, name in enumerate(odd):
        v.send({"shared": [paid_for(name, i + 1)]}, usd=Decimal(i + 1) / 1000)
    v.send({"shared": [paid_for("a:b{c} %\n", 600_000)]}, usd=600)
    for first in range(0, tenants, 1000):
        v.send({"shared": [paid_for(f"t{n}", 1) for n in range(first, first + 1000)]}, usd=1)
    v.settle()
    v.windows(3)
    totals = v.totals()
    by_tenant, by_service = subjects(totals, "tenant"), subjects(totals, "service")
    assert sum(by_service.values()) == v.spent and sum(by_tenant.values()) == v.spent
    assert len(by_tenant) <= most + 1 and by_tenant["__overflow__"] > 9
    assert by_tenant["a%3Ab%7Bc%7D%20%25%0A"] == 600
    assert not any(set(name) & set("{} \n\r\t\0") for name in by_tenant)
    assert v.flags() == {"heavy", "shared", "tenant:a%3Ab%7Bc%7D%20%25%0A"}


@pytest.mark.timeout(240)
def test_a_million_names_take_bounded_room_and_lose_nothing(victims):
    most, per_request, requests = 500, 10_000, 100
    v = victims(max_services=most)
    v.settle()
    one = otlp.request({"n0000000": [pay(1)]}, resource={"padding": "x" * 200}).SerializeToString()
    assert one.count(b"n0000000") == 1
    before, after = one.split(b"n0000000")
    for r in range(requests):
        names = (b"n%07d" % (r * per_request + i) for i in range(per_request))
        v.send_raw(b"".join(part for name in names for part in (before, name, after)), per_request,
                   usd=Decimal(per_request) / 1000)
    v.send({"late-but-light": [pay(1)]}, usd=Decimal(1) / 1000)
    totals = v.check()  # a sum of many is nobody's budget
    assert totals["light"] == 400 and totals["__overflow__"] > 999
    assert len(totals) <= most + 1 and v.redis.zcard("spantoll:services") <= most + 1
    assert v.daemon.metric("spantoll_enforcer_overflow_spans") >= requests * per_request - most
    assert v.daemon.peak_rss_bytes() < MEMORY_MIB * 2**20, v.daemon.peak_rss_bytes() / 2**20
    v.clock.ms += DAY_MS  # a day later all of it has left
    v.windows(1)
    assert not v.totals()
