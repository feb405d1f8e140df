# SPDX-License-Identifier: Apache-2.0
"""From OTLP to the flag: real spans, real prices, real Redis, with evaluation windows of one second."""
import random
import threading
import time
from decimal import Decimal

import pytest

from env import otlp
from env.daemon import BINARY
from env.money import span_cost
from env.poll import eventually

PRICE = "0.000001234567"  # dollars per ms
MEMORY_MIB = 600 if "asan" in BINARY.parts or "tsan" in BINARY.parts else 128
KEY, FLAG = "cost:rolling:payment-svc:24h", "enforce:throttle:payment-svc"


@pytest.fixture
def priced(spantoll, redis_server, prices):
    """priced(exporter settings) -> daemon whose spans payment-svc:/pay cost PRICE per ms, or $1 per ms as /dear."""
    def start(**settings):
        book = prices({"payment-svc:/pay": PRICE, "payment-svc:/dear": "1", "cart:/add": PRICE})
        enforcer = {"redis": {"endpoints": [redis_server.address], "timeout": "500ms"}, "flush_interval": "100ms",
                    "evaluation_window": "1s"} | settings
        return spantoll(processors={"pricing": {"file": book}, "cost": {}}, exporters={"enforcer": enforcer})
    return start


def spans(route, durations_ns):
    end = time.time_ns()
    return [otlp.span("POST", attrs={"http.route": route}, end_ns=end, duration_ms=ns / 1e6) for ns in durations_ns]


def cost(spans_of_one_price, price=PRICE):
    return sum(span_cost(price, s.end_time_unix_nano - s.start_time_unix_nano) for s in spans_of_one_price)


def nano(total):
    return int(total * 10**9)


def stored(redis_server, key=KEY):
    return nano(Decimal(redis_server.client.get(key) or 0))


@pytest.mark.core
def test_an_expensive_request_throttles_its_service_at_the_third_window(priced, redis_server):
    daemon = priced(budgets=[{"match": {"service": "*"}, "limit": 500, "window": "1h"}])
    sent = spans("/dear", [512_400_000])
    assert daemon.export(otlp.request({"payment-svc": sent, "cart": spans("/add", [10**6])})).ok
    seen = []

    def flagged():
        with redis_server.client.pipeline(transaction=True) as both:
            state, flag = both.hgetall("{%s}:d" % FLAG).get(FLAG).execute()
        streaks = [int(v.split()[2]) for k, v in state.items() if k.startswith("b:")]
        seen.append((streaks[0] if streaks else 0, flag))
        return flag == "true"

    eventually(flagged, 20, "the flag is set", every=0.02)
    assert all((over >= 3) == (flag == "true") for over, flag in seen) and seen[-1][0] >= 3
    daemon.wait_log(r"\[COST_ENFORCEMENT\] payment-svc exceeded budget: \$512\.40/\$500")
    assert redis_server.client.get("enforce:throttle:cart") is None
    daemon.wait_metric("spantoll_enforcer_throttled", 1, service="payment-svc")
    assert abs(daemon.metric("budget_utilization_pct", service="payment-svc") - Decimal("102.48")) < Decimal("1e-6")


@pytest.mark.core
def test_many_spans_add_up_to_the_nanodollar(priced, redis_server):
    r, total = random.Random(5), Decimal(0)
    daemon = priced()
    for _ in range(60):
        sent = spans("/pay", [r.randrange(1, 10**9) for _ in range(50)])
        assert daemon.export(otlp.request({"payment-svc": sent, None: spans("/unknown", [5])})).ok
        total += cost(sent)
    eventually(lambda: stored(redis_server) == nano(total), 10, f"Redis has {total}")
    assert daemon.metric("cost_per_service", service="payment-svc") == total
    assert daemon.metric("cost_per_service", service="unknown_service") == 0


class Load(threading.Thread):
    """An SDK that never stops; what was acknowledged counts."""

    def __init__(self, daemon):
        super().__init__(daemon=True)
        self.client, self.total, self.refused, self.ended = daemon.new_client(), Decimal(0), 0, threading.Event()
        self.start()

    def run(self):
        r = random.Random(6)
        while not self.ended.wait(0.01):
            sent = spans("/pay", [r.randrange(1, 10**9) for _ in range(100)])
            if self.client.export(otlp.request({"payment-svc": sent}), wait_for_ready=False).ok:
                self.total += cost(sent)
            else:
                self.refused += 1

    def end(self):
        self.ended.set()
        self.join()
        return self.total


@pytest.mark.core
@pytest.mark.parametrize("how", ["paused", "killed"])
def test_redis_down_for_30_s_under_load_loses_and_repeats_nothing(priced, redis_server, how):
    daemon = priced()
    load = Load(daemon)
    eventually(lambda: stored(redis_server) > 0, 10, "published")
    redis_server.pause() if how == "paused" else redis_server.kill()
    eventually(lambda: enforcer_status(daemon) == "degraded", 15, "/status says so")
    time.sleep(30)
    assert daemon.ready(), "an outage of Redis must not unready the daemon"
    memory = daemon.rss_bytes()
    redis_server.resume() if how == "paused" else redis_server.start()
    eventually(lambda: enforcer_status(daemon) == "ok", 15, "/status says that it is over")
    total = load.end()
    eventually(lambda: stored(redis_server) == nano(total), 10, f"Redis has {total}")
    assert load.refused == 0 and memory < MEMORY_MIB * 2**20
    assert daemon.stop() == 0
    assert stored(redis_server) == nano(total)


def test_a_redis_that_refuses_to_write_is_an_outage_too(priced, redis_server):
    daemon, redis = priced(), redis_server.client
    sent = spans("/pay", [10**6] * 50)
    redis.replicaof("127.0.0.1", 1)  # what was the master is a replica now
    assert daemon.export(otlp.request({"payment-svc": sent})).ok
    eventually(lambda: enforcer_status(daemon) == "degraded", 10, "/status says so")
    daemon.wait_log(r"redis .* is away: .*READONLY")
    redis.replicaof("NO", "ONE")
    eventually(lambda: stored(redis_server) == nano(cost(sent)), 10, "Redis has everything")
    eventually(lambda: enforcer_status(daemon) == "ok", 10, "/status says that it is over")


def test_a_redis_with_a_password_and_an_evicting_one(priced, redis_server):
    redis = redis_server.client
    redis.config_set("maxmemory-policy", "allkeys-lru")
    redis.acl_setuser("toll", enabled=True, passwords=["+s3cret"], keys=["*"], commands=["+@all"])
    daemon = priced(redis={"endpoints": [redis_server.address], "username": "toll", "password": "s3cret", "db": 3})
    daemon.wait_log("maxmemory-policy of .* is allkeys-lru: an evicted key loses spend; set it to noeviction")
    sent = spans("/pay", [10**6])
    assert daemon.export(otlp.request({"payment-svc": sent})).ok
    redis.select(3)
    eventually(lambda: stored(redis_server) == nano(cost(sent)), 10, "it is in database 3")
    assert "s3cret" not in daemon.log


def enforcer_status(daemon):
    return next(c["status"] for c in daemon.status()["components"] if c["component"] == "exporter/enforcer")


@pytest.mark.core
def test_sigterm_under_load_publishes_everything_acknowledged(priced, redis_server):
    daemon = priced(flush_interval="5s")  # most of it waits when the signal comes
    load = Load(daemon)
    time.sleep(1.5)
    daemon.signal(15)
    assert daemon.wait(10) == 0
    assert stored(redis_server) == nano(load.end())


def test_without_redis_the_same_rule_holds_in_memory(priced):
    daemon = priced(store="memory", budgets=[{"limit": 500, "window": "10s"}])
    daemon.wait_log("store: memory: sums and averages start empty")
    assert daemon.export(otlp.request({"payment-svc": spans("/dear", [600_000_000])})).ok
    daemon.wait_log(r"\[COST_ENFORCEMENT\] payment-svc exceeded budget: \$600\.00/\$500")
    daemon.wait_metric("spantoll_enforcer_throttled", 1, service="payment-svc")
    daemon.wait_log(r"payment-svc is back within budget", timeout=30)
    daemon.wait_metric("spantoll_enforcer_flags_released", 1)
    assert daemon.metric("spantoll_enforcer_flags_set") == daemon.metric("spantoll_enforcer_flags_released") == 1


def test_wrong_settings_are_named(spantoll):
    daemon = spantoll(wait=False, exporters={"enforcer": {
        "redis": {"endpoints": ["nowhere"]}, "evaluation_window": "500ms", "throttle": {"ttl": "1500ms"},
        "budgets": [{"limit": 5, "window": "1500ms"}]}})
    daemon.expect_failure = True
    assert daemon.wait(10) != 0
    for sentence in ("redis::endpoints", "evaluation_window: must be at least 1s", "throttle::ttl: must be whole seconds",
                     "budgets::0::window: a window is whole seconds"):
        assert sentence in daemon.log
