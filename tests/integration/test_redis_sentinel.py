# SPDX-License-Identifier: Apache-2.0
"""Sentinel: the daemon finds the primary, follows a failover, and what the new primary never got is told again."""
import pytest

from env.enforcer import USD, Enforcer
from env.poll import eventually
from env.redis_sentinel import NAME, SentinelSet


HOUR_MS = 3_600_000
BUDGETS = [("*", 500, 3600, "enforce")]


@pytest.fixture
def redis_set(tmp_path):
    made = SentinelSet(tmp_path / "sentinel")
    try:
        yield made.start()
    finally:
        made.kill()


def key(service):
    return f"cost:rolling:{service}:24h"


@pytest.mark.core
def test_after_a_failover_that_lost_acknowledged_totals_they_are_exact(redis_set, tmp_path):
    old, new = redis_set.primary.client, redis_set.replica.client
    daemon = Enforcer(redis_set, tmp_path / "log", BUDGETS, evaluation_ms=HOUR_MS)
    try:
        ledger = dict.fromkeys(["busy", "idle", "late"], 0)

        def spend(service, usd):
            daemon.spend(service, usd * USD + 7000)
            ledger[service] += usd * 10**9 + 7

        def agree(client):
            return all(nano(client.get(key(s))) == n for s, n in ledger.items() if n)

        spend("busy", 1), spend("idle", 2)
        eventually(lambda: agree(old) and agree(new), 10, "published and replicated")
        eventually(lambda: decided(redis_set, tmp_path), 15, "decided: no decision of this hour will notice what is missing")
        redis_set.stall_replica()
        spend("busy", 10), spend("idle", 20), spend("late", 30)
        eventually(lambda: agree(old) and daemon.waiting() == 0, 10, "acknowledged by the primary alone")
        assert new.get(key("late")) is None
        redis_set.primary.pause()  # it hangs: connections stand, nothing is answered
        eventually(lambda: new.role()[0] == "master", 20, "failover")
        spend("busy", 100)
        eventually(lambda: agree(new), 10, f"{ledger}, also of who spends no more")
        assert daemon.counter("losses") >= 3
        assert f"connected to redis {redis_set.replica.address}, primary of {NAME}" in daemon.log
        redis_set.primary.resume()  # it becomes a replica; nobody writes to it any more
        spend("busy", 1000)
        eventually(lambda: old.role()[0] == "slave", 20, "the old primary knows it is none")
        assert daemon.stop() == 0
        assert agree(new)
    finally:
        daemon.kill()


def decided(redis_set, tmp_path):
    """Another daemon comes and decides at once, unless the sums are too young."""
    other = Enforcer(redis_set, tmp_path / "other", BUDGETS, evaluation_ms=HOUR_MS)
    try:
        eventually(lambda: other.counter("decided_until_milliseconds"), 10, "its first round")
        assert other.stop() == 0
    finally:
        other.kill()
    return all(redis_set.replica.client.exists("{enforce:throttle:%s}:d" % s) for s in ("busy", "idle"))


def nano(text):
    whole, _, rest = (text or "0").partition(".")
    return int(whole) * 10**9 + int((rest + "0" * 9)[:9])
