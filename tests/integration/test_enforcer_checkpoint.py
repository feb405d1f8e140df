# SPDX-License-Identifier: Apache-2.0
"""An enforcer behind a journal goes on as the same instance after kill -9: the rolling spend in Redis is what the sender's own
ledger says, to the nanodollar, also where Redis was wiped, the clock moved on or the rules changed meanwhile."""
import json
import random
import signal
import time
from decimal import Decimal

import pytest

from env import otlp
from env.faults import KILL_AFTER, KILL_BEFORE, Faults
from env.poll import eventually
from env.sender import QUICK_TO_COME_BACK
from env.test_clock import TestClock

pytestmark = pytest.mark.core

PRICE = Decimal("0.000001234567")  # of a millisecond: less than a nanodollar remains of most spans
SHOPS = ("shop", "cart", "till")
NANO = Decimal("0.000000001")


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


class Rig:
    def __init__(self, spantoll, redis_server, book, tmp_path, env=None, **enforcer):
        self.redis = redis_server
        self.ledger = dict.fromkeys(SHOPS, 0)  # milliseconds
        self.directory = tmp_path / "journals"
        settings = {"redis": {"endpoints": [redis_server.address], "timeout": "500ms"}, "flush_interval": "50ms",
                    "evaluation_window": "1s", "sending_queue": {"storage": "file_storage"}} | enforcer
        self.daemon = spantoll(env=env, extensions={"file_storage": {"directory": str(self.directory)}},
                               processors={"pricing": {"file": book}, "cost": {}}, exporters={"enforcer": settings})
        self.client = self.daemon.new_client(QUICK_TO_COME_BACK)

    def send(self, requests=1):
        for _ in range(requests):
            shop, ms = random.choice(SHOPS), random.randrange(1, 1000)
            if self.daemon.export(otlp.many(shop, 3, "buy", duration_ms=ms)).ok:
                self.ledger[shop] += 3 * ms

    def send_until_taken(self, revive):
        """The same bytes, over as many lives as it takes."""
        shop, ms = random.choice(SHOPS), random.randrange(1, 1000)
        body = otlp.many(shop, 3, "buy", duration_ms=ms).SerializeToString()
        while not self.client.export(body, timeout=2, wait_for_ready=False).ok:
            if not self.daemon.running():
                revive()
        self.ledger[shop] += 3 * ms

    def in_redis(self):
        return {shop: Decimal(self.redis.client.get(f"cost:rolling:{shop}:24h") or 0) for shop in SHOPS}

    def owed(self):
        """Nanodollars that are whole; the rest waits for the next span."""
        return {shop: (ms * PRICE).quantize(NANO, rounding="ROUND_FLOOR") for shop, ms in self.ledger.items()}

    def assert_exact(self, what):
        def difference():
            there, owed = self.in_redis(), self.owed()
            return {shop: there[shop] - owed[shop] for shop in SHOPS if there[shop] != owed[shop]}

        eventually(lambda: not difference(), 10, what, every=0.05)

    def instances(self):
        return {key.rsplit(":i:", 1)[1] for key in self.redis.client.keys("{cost:rolling:*}:i:*")}


@pytest.fixture
def rig(spantoll, redis_server, prices, tmp_path):
    book = prices({f"{shop}:buy": str(PRICE) for shop in SHOPS})
    return lambda **enforcer: Rig(spantoll, redis_server, book, tmp_path, **enforcer)


def test_kills_at_random_instants_count_everything_once(rig):
    r = rig()
    text = r.daemon.config_path.read_text()
    for i in range(8):
        r.send(random.randrange(1, 30))
        if i % 2:  # and a reload is under way
            r.daemon.config_path.write_text(text.replace("evaluation_window: 1s", f"evaluation_window: {i + 1}s"))
            r.daemon.signal(signal.SIGHUP)
        time.sleep(random.random() * 0.15)
        r.daemon.restart(kill=True)
    r.send()
    r.assert_exact("after every kill the sums are exact")
    assert len({i.split(".")[0] for i in r.instances()}) == 1, "one instance over all lives"
    assert r.daemon.config_path.read_text() != text
    assert r.daemon.metric("spantoll_enforcer_checkpoints") >= 1


@pytest.mark.parametrize("call", ["write", "sync"])
def test_killed_at_a_call_for_the_checkpoint(rig, tmp_path, call):
    """Before and after each of the first calls; the very first life has died before there was any."""
    faults = Faults(tmp_path / "faults")
    r = rig(env=faults.env)
    points = [(act, nth) for nth in (1, 2) for act in (KILL_BEFORE, KILL_AFTER)]
    lives = []

    def revive():
        lives.append(1)
        faults.disarm()
        r.daemon.start()

    for act, nth in points:
        faults.arm(call, act, nth, path="*/exporters/enforcer/*")
        dead = len(lives)
        while len(lives) == dead:
            r.send_until_taken(revive)
            if not r.daemon.running():
                revive()
    r.send()
    r.assert_exact("whatever had been written of the last checkpoint")
    assert len(r.instances()) == 1


def test_redis_is_wiped_while_the_daemon_is_down(rig, redis_server):
    r = rig()
    r.send(20)
    r.assert_exact("all is published")
    r.daemon.kill()
    redis_server.client.flushall()
    r.daemon.start()
    r.send(5)
    r.assert_exact("what was published before is published again")


def test_redis_is_away_and_the_daemon_dies_twice(rig, redis_server):
    r = rig()
    r.send(10)
    redis_server.pause()
    r.send(10)
    r.daemon.restart(kill=True)
    r.send(10)
    r.daemon.restart(kill=True)
    redis_server.resume()
    r.assert_exact("what waited in two lives is published once")


def test_rules_change_over_a_kill_and_at_run_time(rig, redis_server):
    def budget(**how):
        return json.dumps({"match": {"service": "*"}, "limit": 900} | how)

    redis_server.client.hset("spantoll:budgets", "long", budget(window="5h"))
    r = rig()

    def long_sums():
        return {shop: Decimal(redis_server.client.get(f"cost:rolling:{shop}:5h") or 0) for shop in SHOPS}

    eventually(lambda: r.send() or sum(long_sums().values()) > 0, 30, "the budget is followed", every=0.2)
    r.assert_exact("the day is exact")
    before = dict(r.ledger)
    missing = {shop: r.owed()[shop] - long_sums()[shop] for shop in SHOPS}
    for _ in range(3):
        r.send(10)
        r.daemon.restart(kill=True)
    r.assert_exact("the day is exact after kills")
    eventually(lambda: all(abs(r.owed()[s] - long_sums()[s] - missing[s]) <= 2 * NANO for s in SHOPS), 30,
               "so are the windows of a budget set at run time")
    assert r.ledger != before
    text = r.daemon.config_path.read_text()
    r.daemon.kill()
    r.daemon.config_path.write_text(text.replace("evaluation_window: 1s", "evaluation_window: 2s"))
    assert "2s" in r.daemon.config_path.read_text()
    r.daemon.start()
    r.send(5)
    r.assert_exact("other rules after a kill")
    assert len({i.split(".")[0] for i in r.instances()}) == 1


def test_the_clock_moves_on_while_the_daemon_is_down(rig, tmp_path):
    clock = TestClock(tmp_path / "clock", time.time_ns() // 10**6)
    r = rig(test_clock=str(clock.path))
    r.send(20)
    r.assert_exact("all is published")
    r.daemon.kill()
    clock.ms += 3 * 3600_000
    r.daemon.start()
    r.send(5)
    r.assert_exact("three hours later all of it is still of the last day")
    r.daemon.stop()
    clock.ms += 22 * 3600_000
    r.daemon.start()
    eventually(lambda: not any(r.in_redis().values()), 30, "a day later nothing is left", every=0.1)
    assert r.daemon.metric("spantoll_enforcer_expired_usd") == 0, "what had been published is not lost"


def test_store_memory_starts_where_it_was(spantoll, prices, tmp_path):
    settings = {"store": "memory", "evaluation_window": "1s", "budgets": [{"match": {"service": "*"}, "limit": 0.5}],
                "ema": {"windows": 1}, "sending_queue": {"storage": "file_storage"}}
    daemon = spantoll(extensions={"file_storage": {"directory": str(tmp_path / "journals")}},
                      processors={"pricing": {"file": prices({"shop:buy": "0.01"})}, "cost": {}}, exporters={"enforcer": settings})
    assert daemon.export(otlp.many("shop", 10, "buy", duration_ms=10)).ok  # a dollar
    eventually(lambda: daemon.metric("spantoll_enforcer_throttled", service="shop") == 1, 20, "it is throttled", every=0.05)
    written = daemon.metric("spantoll_enforcer_checkpoints")
    eventually(lambda: daemon.metric("spantoll_enforcer_checkpoints") > written, 20, "that is written down", every=0.05)
    daemon.restart(kill=True)
    assert daemon.metric("cost_per_service", service="shop") == 1
    eventually(lambda: daemon.metric("spantoll_enforcer_throttled", service="shop") == 1, 5, "it still is", every=0.05)
    assert "start empty" not in daemon.log.split("store: memory")[-1]


def test_a_damaged_checkpoint_is_told_and_a_newer_one_refused(rig):
    r = rig()
    r.send(5)
    r.assert_exact("all is published")
    r.daemon.kill()
    files = [r.directory / "exporters" / "enforcer" / f"checkpoint.{i}" for i in (0, 1)]
    whole = [f.read_bytes() for f in files]
    for f, text in zip(files, whole):
        f.write_bytes(text[:100] + bytes([text[100] ^ 1]) + text[101:])
    r.daemon.start()
    r.daemon.wait_log("checkpoint is damaged and put aside")
    assert len(list(files[0].parent.glob("*.damaged"))) == 2
    r.send(5)
    eventually(lambda: len(r.instances()) == 2, 20, "a new instance goes on")
    eventually(lambda: all(r.in_redis()[s] >= r.owed()[s] for s in SHOPS), 20, "nothing is lost that was published")
    assert sum(r.in_redis().values()) <= 2 * sum(r.owed().values()), "twice at most what the cursor had not passed"
    r.daemon.kill()
    head = bytearray(files[0].read_bytes()[:40])
    assert head[4:6] == b"\x01\x00", "the version"
    head[4] = 2
    head[36:40] = crc32c(head[:36]).to_bytes(4, "little")
    files[0].write_bytes(bytes(head) + files[0].read_bytes()[40:])
    r.daemon.expect_failure = True
    r.daemon.start(wait=False)
    assert r.daemon.wait(30) != 0
    assert "checkpoint was written by a newer version of spantoll" in r.daemon.log
