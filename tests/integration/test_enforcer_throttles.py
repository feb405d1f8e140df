# SPDX-License-Identifier: Apache-2.0
"""A service that stays over its budget is throttled, at exactly the window the rule says, and released."""
import pathlib
import time

from env.enforcer import USD
from env.poll import eventually

FLAG = "enforce:throttle:payment-svc"
SUMS = "cost:rolling:payment-svc:1m"
PUBLISH = (pathlib.Path(__file__).parents[2] / "exporters/enforcer/store_redis/publish.lua").read_text()


class Watch:
    """What was decided, window by window, each seen together with the flag."""

    def __init__(self, redis_server):
        self.redis, self.windows = redis_server.client, []  # (index, ema, over, under, on, flag)

    def look(self):
        with self.redis.pipeline(transaction=True) as both:
            state, flag = both.hgetall("{%s}:d" % FLAG).get(FLAG).execute()
        for name, text in state.items():
            if name.startswith("b:"):
                index, ema, over, under, on = text.split()[:5]
                seen = (int(index), float(ema), int(over), int(under), on == "1", flag == "true")
                if not self.windows or self.windows[-1] != seen:
                    self.windows.append(seen)
        return self.windows

    def until(self, count, timeout):
        return eventually(lambda: len(self.look()) >= count, timeout, f"{count} decided windows", every=0.01)

    def changes(self):
        """(number of the window from 1, flag) where the flag changed."""
        flags = [False] + [w[5] for w in self.windows]
        return [(i, flags[i]) for i in range(1, len(flags)) if flags[i] != flags[i - 1]]

    def unbroken(self):
        """Every window was decided and seen, from the first one on."""
        indexes, (_, _, over, under, _, _) = [w[0] for w in self.windows], self.windows[0]
        return over + under <= 1 and indexes == list(range(indexes[0], indexes[0] + len(indexes)))


class Spender:
    """Another daemon's published totals, in buckets of 1 s that leave the window when we choose."""

    def __init__(self, redis_server):
        self.redis, self.seq, self.total = redis_server.client, 0, {}

    def now(self):
        seconds, micros = self.redis.time()
        return seconds + micros / 1e6

    def spend(self, usd, leaves_at):
        """leaves_at: the second in which it is no longer part of the minute."""
        bucket = leaves_at - 60
        self.total[bucket] = self.total.get(bucket, 0) + usd * 10**9
        self.seq += 1
        keys = [SUMS, "{%s}:s" % SUMS, "{%s}:i:test" % SUMS]
        self.redis.eval(PUBLISH, 3, *keys, 1000, 60, "", self.seq, self.seq - 1, bucket, self.total[bucket])
        self.redis.zadd("spantoll:services", {"payment-svc": int(self.now() * 1000)})

    def middle_of_a_window(self):
        time.sleep((1.5 - self.now() % 1) % 1)


def check_rule(windows):
    """Every decided window follows from the one before, and the flag from the streaks."""
    on = False
    for before, after in zip([None, *windows], windows):
        _, ema, over, under, state_on, flag = after
        last_over, last_under = (before[2], before[3]) if before else (0, 0)
        assert over == (last_over + 1 if ema > 500 else 0)
        assert under == (last_under + 1 if ema < 450 else 0)
        on = True if over >= 3 else False if under >= 3 else on
        assert state_on == on == flag, windows


ATTEMPTS = 5  # a machine that stalls for a second skips a window: then the run says nothing


def test_first_value_over_the_limit_sets_the_flag_at_the_third_window_and_not_before(redis_server, enforcer):
    for _ in range(ATTEMPTS):
        daemon, watch = enforcer(("*", 500, 3600, "enforce")), Watch(redis_server)
        daemon.spend("payment-svc", 600 * USD)
        watch.until(5, 20)
        if watch.unbroken():
            break
        daemon.kill()
        redis_server.client.flushall()
    check_rule(watch.windows)
    assert watch.changes() == [(3, True)]
    assert 0 < redis_server.client.ttl(FLAG) <= 60
    assert redis_server.client.get(FLAG) == "true"
    assert daemon.log.count("[COST_ENFORCEMENT] payment-svc exceeded budget: $600.00/$500") == 1
    assert daemon.rows()["payment-svc"][2]


def reference_run(redis_server, enforcer):
    """$300, then $1000 for 15 windows, then $100: Watch, and the numbers of the first $1000 and $100 windows."""
    spender, watch = Spender(redis_server), Watch(redis_server)
    spender.middle_of_a_window()
    start = int(spender.now())
    settle, calm, high, low = 1, 3, 15, 14  # seconds: one window each
    falls_at = start + 1 + settle + calm + high
    spender.spend(200, falls_at)
    spender.spend(100, start + 60)
    daemon = enforcer(("*", 500, 60, "enforce"))
    watch.until(calm, 15)
    step = watch.windows[-1][0] + 1
    spender.middle_of_a_window()
    spender.spend(700, falls_at)
    watch.until(falls_at - watch.windows[0][0] + low, 60)
    first = watch.windows[0][0]
    return daemon, watch, step - first + 1, falls_at - first + 1


def test_reference_run_of_a_step_up_and_down(redis_server, enforcer):
    for _ in range(ATTEMPTS):
        daemon, watch, high, low = reference_run(redis_server, enforcer)
        before = watch.windows[high - 2][1]
        if watch.unbroken() and low - high == 15 and abs(before - 300) < 1e-6:
            break
        daemon.kill()
        redis_server.client.flushall()
    check_rule(watch.windows)
    emas = [w[1] for w in watch.windows]
    assert abs(emas[high - 1] - 370) < 1e-6 and abs(emas[low - 1] - (0.9 * emas[low - 2] + 10)) < 1e-6
    assert watch.changes() == [(high + 5, True), (low + 9, False)]
    assert daemon.log.count("exceeded budget") == 1 and daemon.log.count("is back within budget") == 1


def test_a_flag_that_was_deleted_is_set_again_and_a_foreign_one_is_left_alone(redis_server, enforcer):
    redis_server.client.set("enforce:throttle:innocent", "by hand")
    daemon = enforcer(("*", 500, 3600, "enforce"))
    daemon.spend("payment-svc", 600 * USD)
    daemon.spend("innocent", 1 * USD)
    eventually(lambda: redis_server.client.get(FLAG) == "true", 20, "the flag is set")
    redis_server.client.delete(FLAG)
    eventually(lambda: redis_server.client.get(FLAG) == "true", 5, "the flag is back")
    eventually(lambda: daemon.counter("flags_restored") == 1, 5, "and counted")
    assert daemon.counter("flags_set") == 1
    assert redis_server.client.get("enforce:throttle:innocent") == "by hand"


def test_shadow_decides_but_sets_no_flag(redis_server, enforcer):
    daemon = enforcer(("*", 500, 3600, "shadow"))
    daemon.spend("payment-svc", 600 * USD)
    eventually(lambda: redis_server.client.get("{%s}:shadow" % FLAG) == "true", 20, "the shadow flag is set")
    assert redis_server.client.get(FLAG) is None
    eventually(lambda: daemon.rows()["payment-svc"][2:] == (False, True), 5, "the daemon knows")
    eventually(lambda: "payment-svc would be throttled (shadow): $600.00/$500" in daemon.log, 5, "and says so")
    assert daemon.log.count("would be throttled") == 1


def test_the_tightest_of_several_budgets_trips(redis_server, enforcer):
    daemon = enforcer(("*", 5000, 3600, "enforce"), ("payment-*", 500, 60, "enforce"), ("cart", 1, 60, "enforce"))
    daemon.spend("payment-svc", 600 * USD)
    eventually(lambda: redis_server.client.get(FLAG) == "true", 20, "the flag is set")
    eventually(lambda: "payment-svc exceeded budget: $600.00/$500" in daemon.log, 5, "it says so")
    states = [v for k, v in redis_server.client.hgetall("{%s}:d" % FLAG).items() if k.startswith("b:")]
    assert sorted(s.split()[4] for s in states) == ["0", "1"]
