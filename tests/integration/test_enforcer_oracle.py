# SPDX-License-Identifier: Apache-2.0
"""Eight daemons, a thousand services and every accident there is: each window of each service is decided once, and
sums, averages, streaks and flags are what an oracle in Python computes from what was spent."""
import os
import random
import time

import pytest

from env.enforcer_fleet import DaemonNode, Fleet, ToolNode, usd
from env.enforcer_oracle import Rule

HOUR = 3600_000
RULE = Rule(limit=500, window_ms=24 * HOUR, bucket_ms=HOUR, evaluation_ms=HOUR)


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

    def __init__(self, fleet):
        self.fleet, self.dice = fleet, fleet.dice
        self.per_hour = {s: self.dice.choice((0.001, 1, 8, 15, 22, 60)) for s in fleet.services}

    def hour(self):
        for service in self.dice.sample(self.fleet.services, len(self.fleet.services) // 50):
            self.per_hour[service] = self.dice.choice((0, 0, 1, 15, 30, 200))
        for node in self.fleet.nodes:
            active = self.dice.sample(node.services, len(node.services) * 2 // 3)
            amounts = {s: usd(self.per_hour[s] * self.dice.uniform(0.2, 2), node.step) for s in active}
            node.spend({s: pico for s, pico in amounts.items() if pico})


class Run:
    def __init__(self, fleet):
        self.fleet, self.habits, self.slack = fleet, Habits(fleet), set()
        self.decided = 0

    def hour(self, hours=1, spending=None, deciding=None):
        """Spend, an accident meanwhile, then the boundary, an accident meanwhile, then compare."""
        fleet, dice = self.fleet, self.fleet.dice
        self.habits.hour()
        if spending:
            spending()
        fleet.wait_quiet()
        fleet.new_decisions()
        fleet.clock.ms = (fleet.clock.ms // HOUR + hours) * HOUR + dice.randrange(HOUR - 60_000)
        expected = fleet.oracle.decide(fleet.clock.ms)
        if deciding:
            deciding()
        fleet.wait_decided()
        fleet.compare()
        counted = fleet.new_decisions()
        assert counted <= expected if deciding else counted == expected, (counted, expected)
        self.decided += expected

    def pause(self, seconds=0.7):
        """Longer than the daemons' time-out."""
        self.fleet.redis.pause()
        time.sleep(seconds)
        self.fleet.redis.resume()

    def kill_one(self):
        self.fleet.kill(self.fleet.dice.choice(self.fleet.nodes))

    def restart_one(self):
        self.fleet.restart(self.fleet.dice.choice(self.fleet.nodes))

    def check_told(self, exact=True):
        """Nobody was told twice, and, where nobody died while deciding, everything was told."""
        for sentence, true in (("exceeded budget", self.fleet.oracle.set),
                               ("is back within budget", self.fleet.oracle.released)):
            told = self.fleet.told(sentence)
            assert all(count <= true.get(name, 0) for name, count in told.items())
            if exact:
                assert told == true


def test_eight_daemons_and_a_thousand_services_agree_with_the_oracle(fleet):
    f = fleet(RULE, seed=int(os.environ.get("ORACLE_SEED", "7")), kinds=[DaemonNode] * 2 + [ToolNode] * 6,
              services=[f"svc-{n:03}" for n in range(1000)])
    run = Run(f)
    for _ in range(4):
        run.hour()
    f.keep_old()
    run.hour(spending=f.cut)
    run.hour(spending=f.cut, deciding=f.cut)
    run.hour(hours=3, spending=run.kill_one)
    run.hour(spending=run.pause)
    run.hour(deciding=run.pause)
    run.hour(spending=f.send_again)
    run.hour(hours=5, spending=run.restart_one)
    run.hour(spending=f.cut, deciding=f.cut)
    run.hour(spending=f.wipe)
    for _ in range(4):
        run.hour()
    run.hour(hours=13)
    for _ in range(4):
        run.hour(deciding=f.cut)
    run.check_told()
    assert run.decided > 15_000 and len(f.oracle.set) > 100 and len(f.oracle.released) > 10
