# SPDX-License-Identifier: Apache-2.0
"""Budgets by the calendar of a time zone, under a clock of the test's own: a period ends when it ends there, and a new
one begins with nothing."""
import datetime
import subprocess
import zoneinfo
from decimal import Decimal

import pytest

from env import otlp
from env.daemon import BINARY
from env.poll import eventually
from env.test_clock import TestClock

MINUTE, HOUR = 60_000, 3_600_000
ZONE = "Europe/Berlin"
KEY = f"cost:rolling:payment-svc:day@{ZONE}"


def midnight(day):
    return int(datetime.datetime.combine(day, datetime.time(), zoneinfo.ZoneInfo(ZONE)).timestamp() * 1000)


def next_long_day():
    """(begin, end) of the next day there that has 25 hours."""
    day = datetime.date.today()
    while midnight(day + datetime.timedelta(1)) - midnight(day) != 25 * HOUR:
        day += datetime.timedelta(1)
    return midnight(day), midnight(day + datetime.timedelta(1))


class Daemon:
    """Spans cost $1 per ms; one evaluation a (virtual) minute."""

    def __init__(self, spantoll, prices, directory, ms, **enforcer):
        self.clock = TestClock(directory / "clock", ms)
        budget = {"match": {"service": "*"}, "limit": 100, "period": "day", "timezone": ZONE}
        settings = {"evaluation_window": "60s", "flush_interval": "50ms", "test_clock": str(self.clock.path),
                    "budgets": [budget]} | enforcer
        self.daemon = spantoll(processors={"pricing": {"file": prices({"payment-svc:/pay": "1"})}, "cost": {}},
                               exporters={"enforcer": settings})
        self.spent = Decimal(0)
        self.decided()

    def spend(self, usd):
        body = otlp.request({"payment-svc": [otlp.span("POST", attrs={"http.route": "/pay"}, duration_ms=usd)]})
        assert self.daemon.export(body).ok
        self.spent += usd
        eventually(lambda: self.daemon.metric("cost_per_service", service="payment-svc") == self.spent
                   and self.daemon.metric("spantoll_enforcer_waiting_usd") == 0, 10, "it is published", every=0.005)

    def decided(self):
        eventually(lambda: self.daemon.metric("spantoll_enforcer_decided_until_milliseconds") >= self.clock.ms, 10,
                   "the window is decided", every=0.005)

    def at(self, ms):
        """Moves on to then; (throttled, percent of the limit)."""
        self.clock.ms = ms
        self.decided()
        m = self.daemon.metrics()
        return (m.value("spantoll_enforcer_throttled", service="payment-svc") == 1,
                m.value("budget_utilization_pct", service="payment-svc"))


@pytest.fixture(params=["redis", "memory"])
def store(request):
    if request.param == "memory":
        return {"store": "memory"}, None
    redis_server = request.getfixturevalue("redis_server")
    return {"redis": {"endpoints": [redis_server.address]}}, redis_server


def test_a_day_of_25_hours_ends_after_25_hours(spantoll, prices, tmp_path, store):
    settings, redis_server = store
    begin, end = next_long_day()
    d = Daemon(spantoll, prices, tmp_path, begin + 24 * HOUR + 30 * MINUTE, **settings)
    d.spend(600)
    flags = [d.at(d.clock.ms + MINUTE) for _ in range(3)]
    assert flags == [(False, 600), (False, 600), (True, 600)]
    assert d.at(end - MINUTE) == (True, 600)
    if redis_server:
        assert redis_server.client.get(KEY) == "600"
        assert 0 < redis_server.client.ttl(KEY) <= 30 * 60
    assert d.at(end) == (False, 0), "a new day has a sum, an average and a flag of its own"
    d.spend(50)
    assert d.at(end + 10 * MINUTE) == (False, 50)
    if redis_server:
        assert redis_server.client.get(KEY) == "50"


def test_an_unknown_zone_is_an_error_with_a_guess(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("exporters:\n  enforcer:\n    store: memory\n    budgets:\n"
                    "      - {limit: 1, period: month, timezone: Europe/Berln}\n"
                    "receivers: {otlp: {protocols: {grpc: }}}\n"
                    "service: {pipelines: {traces: {receivers: [otlp], exporters: [enforcer]}}}\n")
    result = subprocess.run([BINARY, "validate", "--config", path], capture_output=True, text=True, timeout=20)
    assert result.returncode != 0
    assert ('config.yaml:5:35: error: exporters::enforcer::budgets::0::timezone: there is no such time zone, '
            'did you mean "Europe/Berlin"?') in result.stdout + result.stderr
