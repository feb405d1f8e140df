# SPDX-License-Identifier: Apache-2.0
"""What Redis holds equals an independent ledger, to the nanodollar; windows truly roll; keys expire."""
import random
import time
from decimal import Decimal

from env.enforcer import USD
from env.poll import eventually


def text(nano):
    """Exact decimal dollars without trailing zeros."""
    return f"{Decimal(nano) / 10**9:f}".rstrip("0").rstrip(".") if nano % 10**9 else str(nano // 10**9)


def test_two_daemons_add_up_to_the_nanodollar(redis_server, enforcer):
    r = random.Random(4)
    daemons = [enforcer(), enforcer()]
    names = {"payment-svc": "payment-svc", "a:b{c}": "a%3Ab%7Bc%7D", "x" * 200: None, "whale": "whale"}
    ledger = {}
    for _ in range(1500):
        service, which = r.choice(list(names)), r.randrange(2)
        pico = r.choice((1, 333, 999, 400_000, r.randrange(10**13), r.randrange(10**17)))
        daemons[which].spend(service, pico)
        ledger[service, which] = ledger.get((service, which), 0) + pico
    assert all(daemon.stop() == 0 for daemon in daemons)  # what was not flushed yet is published now
    redis = redis_server.client
    for service, key in names.items():
        if key is None:
            key = next(k for k in redis.zrange("spantoll:services", 0, -1) if k.startswith("xxx"))
            assert len(key) == 128 and key[111] == "~"
        want = sum(pico // 1000 for (name, _), pico in ledger.items() if name == service)
        assert redis.get(f"cost:rolling:{key}:24h") == text(want)
    for key in redis.keys():
        assert key in ("spantoll:services", "spantoll:daemons") or redis.ttl(key) > 0, key


def test_short_windows_really_roll_and_the_day_stays(redis_server, enforcer):
    daemon = enforcer(("*", 500, 5, "enforce"))
    redis, times = redis_server.client, []
    begin = time.monotonic()
    while time.monotonic() < begin + 8:  # a dollar each half second
        daemon.spend("steady", USD)
        times.append(time.monotonic())
        time.sleep(0.5)
        seen, now = Decimal(redis.get("cost:rolling:steady:5s") or 0), time.monotonic()
        # five seconds' worth, give or take a bucket, and what a busy machine has not done yet
        assert sum(now - 4 < t < now - 1.5 for t in times) <= seen <= sum(t > now - 7 for t in times)
    spent = len(times)
    eventually(lambda: redis.get("cost:rolling:steady:5s") is None, 10, "the five seconds are over")
    assert redis.get("cost:rolling:steady:24h") == str(spent)


def test_idle_keys_expire_without_any_daemon(redis_server, enforcer):
    daemon = enforcer(("*", 500, 6, "enforce"))
    daemon.spend("gone", USD)
    redis, key = redis_server.client, "cost:rolling:gone:6s"
    eventually(lambda: redis.get(key) == "1", 5, "published")
    daemon.kill()
    eventually(lambda: not redis.exists(key, "{%s}:s" % key), 10, "nobody rolls: the keys expire")


def test_a_wiped_redis_is_filled_again(redis_server, enforcer):
    daemon = enforcer()
    for _ in range(10):
        daemon.spend("payment-svc", 3 * USD + 1)
    redis, key = redis_server.client, "cost:rolling:payment-svc:24h"
    eventually(lambda: redis.get(key) == "30", 5, "published")
    redis.flushall()
    redis.script_flush()
    daemon.spend("payment-svc", USD)
    eventually(lambda: redis.get(key) == "31", 5, "everything live is published again")
    eventually(lambda: daemon.counter("losses") >= 1, 5)
    redis.delete("{%s}:s" % key, key)  # idle now: the peek before the next decision must see it
    eventually(lambda: redis.get(key) == "31", 10, "and again, without new spend")


def test_a_naive_counter_under_the_same_key_is_replaced(redis_server, enforcer):
    key = "cost:rolling:payment-svc:24h"
    redis_server.client.set(key, "123.45678901234567")
    daemon = enforcer()
    daemon.spend("payment-svc", 2 * USD)
    eventually(lambda: redis_server.client.get(key) == "2", 5, "the sums are the truth")
