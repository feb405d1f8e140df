# SPDX-License-Identifier: Apache-2.0
"""The whole daemon under a clock of the test's own (test_clock): hours pass in seconds, and the flag comes and goes
at the window that the rule names."""
from decimal import Decimal

import pytest

from env import otlp
from env.daemon import Daemon
from env.poll import eventually
from env.test_clock import TestClock

MINUTE = 60_000
FLAG = "enforce:throttle:payment-svc"


class Minutes:
    """A daemon whose spans cost $1 per ms, evaluated once a (virtual) minute over a window of 16: what is spent
    at the end of a minute counts in the next 15 evaluations."""

    def __init__(self, spantoll, prices, directory, **enforcer):
        self.clock = TestClock(directory / "clock")
        self.start = self.clock.ms // MINUTE
        settings = {"evaluation_window": "60s", "flush_interval": "50ms", "test_clock": str(self.clock.path),
                    "budgets": [{"limit": 500, "window": "16m", "match": {"service": "*"}}]} | enforcer
        self.daemon = spantoll(processors={"pricing": {"file": prices({"payment-svc:/pay": "1"})}, "cost": {}},
                               exporters={"enforcer": settings})
        self.spent = Decimal(0)
        self.wait_decided()

    def spend(self, usd):
        body = otlp.request({"payment-svc": [otlp.span("POST", attrs={"http.route": "/pay"}, duration_ms=usd)]})
        assert self.daemon.export(body).ok
        self.spent += usd
        eventually(self._published, 10, "it is published", every=0.005)

    def _published(self):
        metrics = self.daemon.metrics()
        return (metrics.value("cost_per_service", service="payment-svc") == self.spent
                and metrics.value("spantoll_enforcer_waiting_usd") == 0)

    def wait_decided(self):
        eventually(lambda: self.daemon.metric("spantoll_enforcer_decided_until_milliseconds") >= self.clock.ms, 10,
                   "the window is decided", every=0.002)

    def next(self, usd=0):
        """One more minute, at whose end usd is spent; is the service throttled in it?"""
        self.clock.ms += MINUTE
        self.wait_decided()
        throttled = self.daemon.metric("spantoll_enforcer_throttled", service="payment-svc") == 1
        if usd:
            self.spend(usd)
        return throttled


def level(minutes, usd_by_minute, count):
    """count minutes, each of which spends what its number (modulo 15) says; the flag in the minutes behind them."""
    return [minutes.next(usd_by_minute.get((minutes.clock.ms // MINUTE + 1 - minutes.start) % 15, 0))
            for _ in range(count)]


def change(flags, to):
    return flags.index(to) + 1 if to in flags else None


@pytest.fixture(params=["redis", "memory"])
def minutes(request, spantoll, prices, tmp_path):
    store = {"store": "memory"}
    if request.param == "redis":
        redis_server = request.getfixturevalue("redis_server")
        store = {"redis": {"endpoints": [redis_server.address]}}
    return Minutes(spantoll, prices, tmp_path, **store)


def test_the_first_value_over_the_limit_throttles_at_the_third_window(minutes):
    minutes.spend(600)
    flags = level(minutes, {}, 4)
    assert change(flags, True) == 3, flags


def test_a_step_up_throttles_at_the_sixth_window_and_a_step_down_releases_at_the_tenth(minutes):
    assert not any(level(minutes, {0: 200, 1: 100}, 149))  # the sum is 300 all the time
    minutes.next(900)
    up = level(minutes, {1: 100}, 15)
    down = level(minutes, {1: 100}, 16)
    assert (change(up, True), change(down, False)) == (6, 10), (up, down)
    assert minutes.daemon.log.count("exceeded budget") == minutes.daemon.log.count("is back within budget") == 1


def test_that_time_is_not_real_is_said(spantoll, tmp_path):
    clock = TestClock(tmp_path / "clock")
    daemon = spantoll(exporters={"enforcer": {"store": "memory", "test_clock": str(clock.path)}})
    daemon.wait_log("TIME IS NOT REAL: windows, averages and flags go by the file")
    checked = Daemon(tmp_path / "validate", verb="validate",
                     exporters={"enforcer": {"store": "memory", "test_clock": str(clock.path)}})
    checked.spawn()
    assert checked.wait(10) == 0 and "TIME IS NOT REAL" in checked.log
    absent = Daemon(tmp_path / "absent", verb="validate",
                    exporters={"enforcer": {"store": "memory", "test_clock": "/nowhere/clock"}})
    absent.spawn()
    assert absent.wait(10) != 0 and "test_clock: /nowhere/clock cannot be a clock" in absent.log
