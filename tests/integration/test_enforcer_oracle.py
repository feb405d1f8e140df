# SPDX-License-Identifier: Apache-2.0
"""Eight daemons, a thousand services and every accident there is: each window of each service is decided once, and
sums, averages, streaks and flags are what an oracle in Python computes from what was spent."""
import os
import random
import time

import pytest

from env.enforcer_fleet import DaemonNode, Fleet, ToolNode, usd
from env.enforcer_oracle import Rule
from env.soak import soak_seconds

HOUR = 3600_000
RULE = Rule(limit=500, window_ms=24 * HOUR, bucket_ms=HOUR, evaluation_ms=HOUR)
PER_HOUR = (0.001, 1, 8, 15, 22, 60, 200)  # USD


@pytest.fixture
def fleet(tmp_path, quick_redis):
    made = []

    def start(rule, seed, kinds, services, ttl_s=4 * 3600):
        print(f"seed {seed}")
        made.append(Fleet(tmp_path, quick_redis, rule, random.Random(seed), kinds, services, ttl_s))
        return made[-1]

    yield start
    for f in made:
        f.close()


class Habits:
    """How the services spend: most little, some too much, some in bursts, some once."""

    def __init__(self, fleet, per_window):
        self.fleet, self.dice, self.per_window = fleet, fleet.dice, per_window
        self.usual = {s: self.dice.choice(per_window) for s in fleet.services}

    def spend(self):
        for service in self.dice.sample(self.fleet.services, len(self.fleet.services) // 20):
            self.usual[service] = self.dice.choice((0, 0, *self.per_window))
        for node in self.fleet.nodes:
            active = self.dice.sample(node.services, len(node.services) * 2 // 3)
            amounts = {s: usd(self.usual[s] * self.dice.uniform(0.2, 2), node.step) for s in active}
            node.spend({s: pico for s, pico in amounts.items() if pico})


class Run:
    def __init__(self, fleet, per_window):
        self.fleet, self.dice = fleet, fleet.dice
        self.habits, self.decided = Habits(fleet, per_window), 0
        self.untold = {}  # changes that somebody may have made who did not live to tell it

    def window(self, jump=1, spending=None, deciding=None, spend=True):
        """Money is spent, an accident meanwhile; the next boundary, an accident meanwhile; then all is compared."""
        fleet, length = self.fleet, self.fleet.rule.evaluation_ms
        if spend:
            self.habits.spend()
        if spending:
            spending()
        fleet.wait_quiet()
        fleet.new_decisions()
        fleet.clock.ms = (fleet.clock.ms // length + jump) * length + self.dice.randrange(length - 11_000)
        expected, changed = fleet.oracle.decide(fleet.clock.ms)
        if deciding:
            deciding()
        if deciding == self.kill_one:
            for name in changed:
                self.untold[name] = self.untold.get(name, 0) + 1
        fleet.wait_decided()
        fleet.compare()
        counted = fleet.new_decisions()
        assert counted <= expected if deciding else counted == expected, (counted, expected)
        self.decided += expected

    def pause(self):
        """Longer than the daemons' time-out."""
        self.fleet.redis.pause()
        time.sleep(0.7)
        self.fleet.redis.resume()

    def kill_one(self):
        self.fleet.kill(self.dice.choice(self.fleet.nodes))

    def restart_one(self):
        self.fleet.restart(self.dice.choice(self.fleet.nodes))

    def anything(self, soft=False):
        """An accident, or none."""
        f = self.fleet
        hard = [] if soft else [self.restart_one, f.wipe, f.send_again]
        return self.dice.choice([None, None, None, f.cut, f.cut, self.pause, self.kill_one, *hard])

    def check_told(self):
        """Nothing was told twice, and everything but what died with who had to tell it."""
        for sentence, true in (("exceeded budget", self.fleet.oracle.set),
                               ("is back within budget", self.fleet.oracle.released)):
            told = self.fleet.told(sentence)
            for name in told.keys() | true.keys():
                have, want = told.get(name, 0), true.get(name, 0)
                assert want - self.untold.get(name, 0) <= have <= want, (sentence, name, have, want)


def test_eight_daemons_and_a_thousand_services_agree_with_the_oracle(fleet):
    f = fleet(RULE, seed=int(os.environ.get("ORACLE_SEED", "7")), kinds=[DaemonNode] * 3 + [ToolNode] * 5,
              services=[f"svc-{n:03}" for n in range(1000)])
    run = Run(f, PER_HOUR)
    for _ in range(4):
        run.window()
    f.keep_old()
    run.window(spending=f.cut)
    run.window(spending=f.cut, deciding=f.cut)
    run.window(jump=3, spending=run.kill_one)
    run.window(spending=run.pause)
    run.window(deciding=run.pause)
    run.window(spending=f.send_again)
    run.window(jump=5, spending=run.restart_one)
    run.window(deciding=run.kill_one)
    run.window(spending=f.wipe)
    for _ in range(6):
        run.window(deciding=f.cut)
    run.window(jump=13)
    for _ in range(6):
        run.window()
    run.check_told()
    assert run.decided > 20_000 and len(f.oracle.set) > 100 and len(f.oracle.released) > 10


def check_lives(redis, rule, ttl_s):
    """Every key leaves by itself."""
    for key in redis.keys():
        left = redis.ttl(key)
        if key.startswith("enforce:throttle:"):
            assert 0 < left <= ttl_s, (key, left)
        elif key.startswith("{cost:") or key.startswith("cost:"):
            assert 0 < left <= (rule.window_ms + 2 * rule.bucket_ms) // 1000, (key, left)
        else:
            assert left > 0 or key in ("spantoll:services", "spantoll:daemons"), (key, left)


def test_two_days_of_virtual_time(fleet):
    rule = Rule(limit=500, window_ms=24 * HOUR, bucket_ms=HOUR // 4, evaluation_ms=HOUR // 6)
    f = fleet(rule, seed=11, kinds=[DaemonNode, ToolNode, ToolNode], services=[f"svc-{n}" for n in range(16)])
    run = Run(f, (0.01, 1, 2, 5, 8, 40))
    for n in range(48 * 6 // 2):
        run.window(jump=run.dice.choice((1, 1, 1, 5)))
        if n % 10 == 0:
            check_lives(f.redis.client, rule, f.ttl_s)
        if n == 60:  # the machines' clock is set back, for less than an hour
            f.clock.ms -= 2 * rule.evaluation_ms
            run.window()
    assert f.oracle.set and f.oracle.released
    for _ in range(26 * 6):
        run.window(spend=False)
    run.window(jump=60, spend=False)
    assert not f.redis.client.keys("cost:rolling:*") and not f.redis.client.keys("enforce:throttle:*")
    run.check_told()


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_a_fleet_under_accidents_agrees_with_the_oracle_for_long(fleet):
    seed = int(os.environ.get("SOAK_SEED", random.randrange(10**6)))
    f = fleet(RULE, seed=seed, kinds=[DaemonNode] * 8, services=[f"svc-{n:03}" for n in range(1000)])
    run, end = Run(f, PER_HOUR), time.monotonic() + soak_seconds()
    while time.monotonic() < end:
        if run.dice.random() < 0.2:
            f.keep_old()
        run.window(jump=run.dice.choice((1, 1, 1, 2, 7)), spending=run.anything(), deciding=run.anything(soft=True))
    run.check_told()
