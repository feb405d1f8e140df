# SPDX-License-Identifier: Apache-2.0
"""The kill switch clears every flag within a second, whoever sets it, and gives them back."""
import time

from env.enforcer import USD
from env.poll import eventually

BUDGET = ("*", 500, 3600, "enforce")
SERVICES = [f"svc-{i}" for i in range(8)]
WITHIN = 1.0


def flags(redis_server):
    return sorted(k for k in redis_server.client.keys("enforce:throttle:*"))


def test_two_daemons_clear_all_flags_within_a_second(redis_server, enforcer):
    r = redis_server.client
    first, second = enforcer(BUDGET, evaluation_ms=3000), enforcer(BUDGET, evaluation_ms=3000)
    for s in SERVICES:
        first.spend(s, 600 * USD)
    eventually(lambda: len(flags(redis_server)) == len(SERVICES), 40, "all are throttled")
    for _ in range(3):  # a machine that stalls proves nothing
        r.set("enforce:kill", "Ann: a price is wrong")
        began = time.monotonic()
        eventually(lambda: not flags(redis_server), 10, "no flag is left", every=0.01)
        took = time.monotonic() - began
        r.delete("enforce:kill")
        eventually(lambda: len(flags(redis_server)) == len(SERVICES), 20, "the flags come back")
        if took < WITHIN:
            break
    assert took < WITHIN
    assert r.zcard("enforce:throttled") == len(SERVICES)
    told = first.log + second.log
    assert told.count("the kill switch is on, no flag is set: Ann: a price is wrong") >= 2
    assert all(f"{s} is let through by the kill switch" in told for s in SERVICES)


def test_a_configuration_kills_for_everybody_until_it_is_gone(redis_server, enforcer):
    r = redis_server.client
    first = enforcer(BUDGET)
    first.spend("svc", 600 * USD)
    eventually(lambda: flags(redis_server), 20, "it is throttled")
    killer = enforcer(BUDGET, kill=True)
    eventually(lambda: not flags(redis_server), 10, "the flag is gone")
    assert 0 < r.ttl("enforce:kill") <= 10
    eventually(lambda: first.counter("killed") == 1, 5, "the other daemon knows")
    killer.stop()
    eventually(lambda: flags(redis_server), 30, "it is throttled again")
    assert r.get("enforce:kill") is None
