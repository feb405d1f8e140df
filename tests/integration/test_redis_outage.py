# SPDX-License-Identifier: Apache-2.0
"""Redis down for 30 s under load: nothing is lost, nothing counted twice, and nobody is throttled for ever."""
import random
import threading
import time

import pytest

from env.enforcer import USD, Enforcer
from env.poll import eventually

DOWN_S = 30
KEY = "cost:rolling:payment-svc:24h"


class Load(threading.Thread):
    """Spends all the time; counts what it spent."""

    def __init__(self, daemon):
        super().__init__(daemon=True)
        self.to, self.pico, self.ended = daemon, 0, threading.Event()
        self.start()

    def run(self):
        r = random.Random(1)
        while not self.ended.wait(0.002):
            pico = r.randrange(1, USD)
            self.to.spend("payment-svc", pico)
            self.pico += pico

    def end(self):
        self.ended.set()
        self.join()
        return self.pico


def freeze(redis_server):
    redis_server.pause()
    return redis_server.resume


def kill(redis_server):
    redis_server.kill()
    return redis_server.start


def hang_up(redis_server):
    """Every connection is cut, again and again: requests done, answers lost."""
    ended = threading.Event()

    def cut():
        while not ended.wait(0.05):
            redis_server.client.client_kill_filter(_type="normal", skipme=True)

    thread = threading.Thread(target=cut, daemon=True)
    thread.start()
    return lambda: (ended.set(), thread.join())


@pytest.mark.core
@pytest.mark.parametrize("hurt", [freeze, kill, hang_up])
def test_totals_are_exact_after_an_outage(redis_server, tmp_path, hurt):
    daemon = Enforcer(redis_server, tmp_path / "log", [("*", 10**6, 3600, "enforce")])
    try:
        load = Load(daemon)
        eventually(lambda: redis_server.client.get(KEY), 10, "published")
        heal = hurt(redis_server)
        time.sleep(DOWN_S)
        assert daemon.child.poll() is None
        heal()
        time.sleep(2)
        want = load.end() // 1000
        eventually(lambda: nano(redis_server.client.get(KEY)) == want, 10, "the totals are exact")
        assert daemon.stop() == 0
        assert nano(redis_server.client.get(KEY)) == want
        assert daemon.log.count("is away") >= 1
    finally:
        daemon.kill()


def nano(text):
    whole, _, rest = text.partition(".")
    return int(whole) * 10**9 + int((rest + "0" * 9)[:9])


def test_what_was_not_published_is_published_at_the_end(redis_server, tmp_path):
    """Redis comes back only while the daemon is already going down."""
    daemon = Enforcer(redis_server, tmp_path / "log", [])
    try:
        daemon.spend("payment-svc", USD)
        eventually(lambda: redis_server.client.get(KEY) == "1", 10, "published")
        redis_server.pause()
        daemon.spend("payment-svc", 5 * USD)
        threading.Timer(1.5, redis_server.resume).start()
        assert daemon.stop(within_ms=60000) == 0
        assert redis_server.client.get(KEY) == "6"
    finally:
        redis_server.resume()
        daemon.kill()


def test_a_daemon_that_cannot_publish_ends_in_time_and_says_what_is_missing(redis_server, tmp_path):
    daemon = Enforcer(redis_server, tmp_path / "log", [])
    try:
        eventually(lambda: "connected" in daemon.log, 10)
        redis_server.kill()
        daemon.spend("payment-svc", 5 * USD)
        begin = time.monotonic()
        assert daemon.stop(within_ms=3000) == 0
        assert time.monotonic() - begin < 60
        assert "stopped before Redis had $5.00" in daemon.log
    finally:
        daemon.kill()


def test_a_redis_that_refuses_is_not_hammered_at_the_end(redis_server, tmp_path):
    daemon = Enforcer(redis_server, tmp_path / "log", [])
    client = redis_server.client
    try:
        daemon.spend("payment-svc", USD)
        eventually(lambda: client.get(KEY) == "1", 10, "published")
        client.config_set("maxmemory", 1)
        daemon.spend("payment-svc", 5 * USD)
        before = client.info("stats")["total_commands_processed"]
        begin = time.monotonic()
        assert daemon.stop(within_ms=120_000) == 0
        assert time.monotonic() - begin < 60
        assert client.info("stats")["total_commands_processed"] - before < 500
        assert "stopped before Redis had $5.00" in daemon.log
    finally:
        client.config_set("maxmemory", 0)
        daemon.kill()
