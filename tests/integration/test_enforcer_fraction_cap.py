# SPDX-License-Identifier: Apache-2.0
"""A price mistake trips every service at once: only a share of them is throttled, and somebody is told."""
import pytest

from env.enforcer import USD
from env.poll import eventually

BUDGET = ("*", 500, 3600, "enforce")
SERVICES = [f"svc-{i:02}" for i in range(50)]


def flagged(redis_server):
    return {k.removeprefix("enforce:throttle:") for k in redis_server.client.keys("enforce:throttle:*")}


@pytest.mark.parametrize("daemons", [1, 3])
def test_fifty_over_their_budget_make_ten_flags_for_those_furthest_over(redis_server, enforcer, daemons):
    r = redis_server.client
    fleet = [enforcer(BUDGET, fraction=0.2) for _ in range(daemons)]
    for i, s in enumerate(SERVICES):
        fleet[i % daemons].spend(s, (1000 + i) * USD)
    most = set()

    def look():
        now = flagged(redis_server)
        most.update([len(now)])
        return now

    eventually(lambda: len(look()) == 10, 30, "ten are throttled", every=0.02)
    held = [s for s in SERVICES if r.hget("{enforce:throttle:%s}:d" % s, "capped") == "1"]
    eventually(lambda: look() == set(SERVICES[40:]), 30, "those furthest over", every=0.02)
    eventually(lambda: [r.hget("{enforce:throttle:%s}:d" % s, "capped") for s in SERVICES] == ["1"] * 40 + ["0"] * 10,
               10, "the others are held back")
    version = r.hget("{enforce:throttle:svc-00}:d", "v")
    eventually(lambda: look() and r.hget("{enforce:throttle:svc-00}:d", "v") != version, 10, "a window more")
    assert max(most) == 10 and len(held) <= 40
    assert sum(e.counter("flags_capped") for e in fleet) >= 40
    eventually(lambda: any("40 services are over budget, but" in e.log for e in fleet), 10, "somebody is told")
    assert fleet[0].counter("capped") == 40


def test_an_override_takes_no_place_and_one_is_always_there(redis_server, enforcer):
    r, daemon = redis_server.client, enforcer(BUDGET, fraction=0.01)
    for s in ("a", "b", "c"):
        daemon.spend(s, 600 * USD)
    eventually(lambda: flagged(redis_server) == {"a"}, 20, "ties go by name")
    r.set("{enforce:throttle:c}:override", "deny")
    eventually(lambda: flagged(redis_server) == {"a", "c"}, 10, "who is denied is throttled besides")
    r.set("{enforce:throttle:a}:override", "allow")
    eventually(lambda: flagged(redis_server) == {"b", "c"}, 10, "a place that is given up is taken")
