# SPDX-License-Identifier: Apache-2.0
"""What people say of a service goes over what its budget says, for as long as they said: kill switch > override > rule."""
import json

import pytest

from env.enforcer import USD, Enforcer
from env.poll import eventually

SERVICE = "payment-svc"
FLAG = f"enforce:throttle:{SERVICE}"
OVERRIDE, AUDIT, STATE = ("{%s}:%s" % (FLAG, part) for part in ("override", "audit", "d"))


@pytest.fixture
def daemon(redis_server, tmp_path):
    e = Enforcer(redis_server, tmp_path / "enforcer.log", [("*", 500, 3600, "enforce")])
    yield e
    e.kill()


def records(redis_server):
    return [json.loads(entry["event"]) for _, entry in redis_server.client.xrange(AUDIT)]


def test_precedence_and_expiry(redis_server, daemon):
    r = redis_server.client

    def throttled(expected, why):
        eventually(lambda: (r.get(FLAG) == "true") == expected, 10, why, every=0.01)

    daemon.spend(SERVICE, 600 * USD)
    throttled(True, "the budget throttles it")
    r.set(OVERRIDE, "allow", px=4000)
    throttled(False, "an override lets it through")
    eventually(lambda: f"{SERVICE} is let through by an override" in daemon.log, 5, "it is told")
    assert r.hget(STATE, "applied") == "0"
    throttled(True, "the override has ended, the budget holds")
    r.set("enforce:kill", "Ann: prices are wrong")
    throttled(False, "nobody is throttled under the kill switch")
    r.set(OVERRIDE, "deny")
    eventually(lambda: r.get("{%s}:shadow" % FLAG) == "true", 10, "what would be is told")
    decided = r.hget(STATE, "v")
    eventually(lambda: r.hget(STATE, "v") != decided, 10, "decisions go on")
    assert r.get(FLAG) is None, "the kill switch goes over an override"
    r.delete("enforce:kill")
    throttled(True, "the override throttles again")
    r.delete(OVERRIDE)
    eventually(lambda: daemon.counter("killed") == 0, 5, "the kill switch is off")
    whats = [(e["what"], e["reason"]) for e in records(redis_server)]
    assert whats[:3] == [("set", "budget"), ("release", "override"), ("set", "budget")]
    assert {("release", "kill"), ("shadow_set", "kill"), ("shadow_release", "override")} <= set(whats[3:])
    assert ("set", "override") in whats[3:]
    first = records(redis_server)[0]
    assert (first["subject"], first["spent_usd"], first["limit_usd"], first["window"]) == (SERVICE, 600, 500, "1h")
    assert first["until_ms"] > first["time_ms"]


def test_deny_throttles_who_is_within_budget_until_it_ends(redis_server, daemon):
    r = redis_server.client
    daemon.spend(SERVICE, 1 * USD)
    eventually(lambda: r.exists(STATE), 10, "it is known")
    r.set(OVERRIDE, "deny", px=5000)
    eventually(lambda: r.get(FLAG) == "true", 10, "it is throttled")
    assert r.pttl(FLAG) <= max(r.pttl(OVERRIDE), 0) + 50, "never longer than the override"
    assert r.zscore("enforce:throttled", SERVICE) is None, "an override takes no place under the cap"
    eventually(lambda: r.get(FLAG) is None and r.hget(STATE, "applied") == "0", 10, "it is free again")
    assert [e["what"] for e in records(redis_server)] == ["set", "release"]
    assert daemon.counter("override_changes") >= 1


def test_what_is_no_override_changes_nothing(redis_server, daemon):
    r = redis_server.client
    r.set(OVERRIDE, "please")
    daemon.spend(SERVICE, 600 * USD)
    eventually(lambda: r.get(FLAG) == "true", 15, "the budget throttles it")
    r.delete(OVERRIDE)
    r.hset(OVERRIDE, "deny", "deny")
    version = r.hget(STATE, "v")
    eventually(lambda: r.hget(STATE, "v") != version, 10, "decisions go on")
    assert r.get(FLAG) == "true"


def test_a_flag_that_is_not_ours_is_left_alone(redis_server, daemon):
    r = redis_server.client
    r.set(FLAG, "by hand")
    r.set(OVERRIDE, "allow")
    daemon.spend(SERVICE, 600 * USD)
    eventually(lambda: int(r.hget(STATE, "v") or 0) and "b:" in "".join(r.hgetall(STATE)), 10, "it is decided")
    before = r.hget(STATE, "v")
    eventually(lambda: r.hget(STATE, "v") != before, 10, "and once more")
    assert r.get(FLAG) == "by hand"


def test_deny_holds_who_spends_nothing_any_more(redis_server, tmp_path):
    """Its average has faded, so nothing is evaluated; the flag is renewed all the same."""
    e = Enforcer(redis_server, tmp_path / "enforcer.log", [("*", 500, 2, "enforce")], ttl_s=2)
    r = redis_server.client
    try:
        r.set(OVERRIDE, "deny", ex=60)
        e.spend(SERVICE, USD // 10**6)
        eventually(lambda: r.get(FLAG) == "true", 10, "it is throttled")
        eventually(lambda: r.get(f"cost:rolling:{SERVICE}:2s") is None, 10, "it is idle")
        for _ in range(3):  # lives of a flag
            ends = r.time()[0] + 3
            eventually(lambda: r.time()[0] >= ends or r.get(FLAG) is None, 5, "time goes by", every=0.02)
            assert r.get(FLAG) == "true", f"{r.ttl(OVERRIDE)} s of the override are left"
    finally:
        e.kill()


def test_what_others_throttle_is_known_without_a_budget(redis_server, tmp_path):
    """Whoever asks this daemon is answered from what it knows."""
    ours = Enforcer(redis_server, tmp_path / "ours.log", [("batch-*", 500, 3600, "enforce")])
    theirs = Enforcer(redis_server, tmp_path / "theirs.log", [("*", 500, 3600, "enforce")])
    r = redis_server.client
    try:
        theirs.spend(SERVICE, 600 * USD)
        eventually(lambda: r.get(FLAG) == "true", 10, "it is throttled")
        eventually(lambda: ours.rows().get(SERVICE, (0, 0, False))[2], 5, "the other one knows")
    finally:
        ours.kill()
        theirs.kill()


def test_a_configured_kill_switch_works_though_redis_is_full(redis_server, daemon, tmp_path):
    r = redis_server.client
    daemon.spend(SERVICE, 600 * USD)
    eventually(lambda: r.get(FLAG) == "true", 15, "the budget throttles it")
    daemon.kill()
    r.config_set("maxmemory", 1)
    e = Enforcer(redis_server, tmp_path / "killer.log", [("*", 500, 3600, "enforce")], kill=True)
    try:
        eventually(lambda: r.get(FLAG) is None, 10, "it is released")
        assert e.counter("killed") == 1
    finally:
        e.kill()
        r.config_set("maxmemory", 0)


@pytest.mark.parametrize("fraction", [1, 0.5])
def test_somebodys_key_in_our_place_neither_hides_a_flag_nor_prevents_it(redis_server, tmp_path, fraction):
    r = redis_server.client
    r.set("enforce:throttled", "something else")
    e = Enforcer(redis_server, tmp_path / "enforcer.log", [("*", 500, 3600, "enforce")], fraction=fraction)
    try:
        e.spend(SERVICE, 600 * USD)
        eventually(lambda: f"{SERVICE} exceeded budget" in e.log, 10, "it is throttled, and that is told")
        assert r.get(FLAG) == "true" and r.zscore("enforce:throttled", SERVICE)
    finally:
        e.kill()
