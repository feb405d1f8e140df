# SPDX-License-Identifier: Apache-2.0
"""The whole daemon under a clock of the test's own (test_clock): hours pass in seconds, and the flag comes and goes
at the window that the rule names."""
from collections import Counter

import pytest

from env import otlp
from env.daemon import Daemon
from env.poll import eventually
from env.test_clock import TestClock

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR


class Minutes:
    """A daemon whose spans cost $1 per ms, evaluated once a (virtual) minute over a window of 16: what is spent
    at the end of a minute counts in the next 15 evaluations."""

    def __init__(self, spantoll, prices, directory, step=MINUTE, **enforcer):
        self.clock, self.step = TestClock(directory / "clock"), step
        self.start = self.clock.ms // MINUTE
        settings = {"evaluation_window": f"{step // 1000}s", "flush_interval": "50ms", "test_clock": str(self.clock.path),
                    "budgets": [{"limit": 500, "window": "16m", "match": {"service": "*"}}]} | enforcer
        book = prices({f"{s}:/pay": "1" for s in ("payment-svc", "cart")})
        self.daemon = spantoll(processors={"pricing": {"file": book}, "cost": {}}, exporters={"enforcer": settings})
        self.spent = Counter()
        self.wait_decided()

    def spend(self, usd, service="payment-svc"):
        body = otlp.request({service: [otlp.span("POST", attrs={"http.route": "/pay"}, duration_ms=usd)]})
        assert self.daemon.export(body).ok
        self.spent[service] += usd
        eventually(self._published, 10, "it is published", every=0.005)

    def _published(self):
        metrics = self.daemon.metrics()
        return (all(metrics.value("cost_per_service", service=s) == usd for s, usd in self.spent.items())
                and metrics.value("spantoll_enforcer_waiting_usd") == 0)

    def wait_decided(self):
        eventually(lambda: self.daemon.metric("spantoll_enforcer_decided_until_milliseconds") >= self.clock.ms, 10,
                   "the window is decided", every=0.002)

    def next(self, usd=0):
        """One more minute, at whose end usd is spent; is the service throttled in it?"""
        throttled = "payment-svc" in self.throttled_next()
        if usd:
            self.spend(usd)
        return throttled

    def throttled_next(self):
        """The services that are throttled after one more evaluation."""
        self.clock.ms += self.step
        self.wait_decided()
        metrics = self.daemon.metrics()
        return {s for s in ("payment-svc", "cart") if metrics.value("spantoll_enforcer_throttled", service=s) == 1}


def level(minutes, usd_by_minute, count):
    """count minutes, each of which spends what its number (modulo 15) says; the flag in the minutes behind them."""
    return [minutes.next(usd_by_minute.get((minutes.clock.ms // MINUTE + 1 - minutes.start) % 15, 0))
            for _ in range(count)]


def change(flags, to):
    return flags.index(to) + 1 if to in flags else None


@pytest.fixture(params=["redis", "memory"])
def store(request):
    if request.param == "memory":
        return {"store": "memory"}
    return {"redis": {"endpoints": [request.getfixturevalue("quick_redis").address]}}


@pytest.fixture
def minutes(store, spantoll, prices, tmp_path):
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


AT_ONCE = {"alpha": 1, "windows": 1}


def test_a_week_and_thirty_days_roll(store, spantoll, prices, tmp_path):
    """Nothing but the sum of the window decides: it trips when the second sum comes in, and is released when the bucket (a 96th
    of the window) with the first one leaves, not before."""
    days = {"payment-svc": 7, "cart": 30}
    limits = [{"limit": 500, "window": f"{24 * n}h", "ema": AT_ONCE, "match": {"service": s}} for s, n in days.items()]
    run = Minutes(spantoll, prices, tmp_path, step=6 * HOUR, throttle={"ttl": "7h"}, budgets=limits, **store)
    spent = {s: [] for s in days}  # (when, usd)
    for hour in range(0, 31 * 24, 6):
        now, bucket = run.clock.ms, {s: n * DAY // 96 for s, n in days.items()}
        for service, n in days.items():
            if hour in (0, 24 * (n - 3)):
                usd = 400 if hour == 0 else 200
                run.spend(usd, service)
                spent[service].append((now, usd))
        live = {s: sum(usd for at, usd in spent[s] if (now + run.step) // bucket[s] - at // bucket[s] < 96) for s in days}
        assert run.throttled_next() == {s for s in days if live[s] > 500}, (hour, live)
    for service, n in days.items():
        assert run.daemon.log.count(f"{service} exceeded budget: $600.00/$500") == 1
        assert run.daemon.log.count(f"{service} is back within budget") == 1


def test_a_fast_trip_does_not_wait_for_the_average(store, spantoll, prices, tmp_path):
    """$10 in five minutes would be $2,880 a day, more than twice the limit; $3, and $3 more later, would not."""
    budget = {"limit": 500, "window": "24h", "fast_trip": {"factor": 2}}
    run = Minutes(spantoll, prices, tmp_path, budgets=[budget], **store)
    run.spend(3)
    assert not any(run.throttled_next() for _ in range(6))
    run.spend(3)
    assert not run.throttled_next(), "what was before the five minutes is forgotten"
    run.spend(7)
    flags = [run.throttled_next() for _ in range(12)]
    assert flags == 6 * [{"payment-svc"}] + 6 * [set()], "at once, and until three windows in a row are below"
    run.daemon.wait_log(r"payment-svc exceeded budget: \$13\.00/\$500")


def test_a_budget_has_an_evaluation_window_of_its_own(store, spantoll, prices, tmp_path):
    """The third evaluation throttles: of the one after three minutes; of the other after six, in the window that has begun
    already, after three minutes, and after six."""
    budgets = [{"limit": 500, "window": "1h", "match": {"service": "payment-svc"}},
               {"limit": 500, "window": "1h", "match": {"service": "cart"}, "evaluation_window": "180s"}]
    run = Minutes(spantoll, prices, tmp_path, budgets=budgets, throttle={"max_throttled_fraction": 1}, **store)
    run.spend(600)
    run.spend(600, "cart")
    seen = [run.throttled_next() for _ in range(7)]
    assert seen == 2 * [set()] + 3 * [{"payment-svc"}] + 2 * [{"payment-svc", "cart"}]


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
