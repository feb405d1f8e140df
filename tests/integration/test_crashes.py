# SPDX-License-Identifier: Apache-2.0
"""kill -9 at any instant: every span that a client heard OK for is on Kafka, what came again is removed by its name, and
the totals in Redis are the clients' own ledger to the nanodollar."""
import random
import time

import pytest

from env import conservation
from env.faults import KILL_AFTER, KILL_BEFORE, Faults
from env.journaled import journaled
from env.poll import PATIENCE, eventually
from env.sender import Sender

RATE = 1500  # spans per second
READY_S = 2
SEGMENT, CHECKPOINT, SPARE = "*/traces/*.journal", "*/traces/checkpoint*", "*/traces/spare"
OURS = "spantoll"
# What is happening: (calls, of whom, on which file).
POINTS = {
    "a group is written": ("write", OURS, SEGMENT),
    "a group is synced": ("sync", OURS, SEGMENT),
    "cursors are written": ("write", OURS, CHECKPOINT),
    "cursors are synced": ("sync", OURS, CHECKPOINT),
    "a segment is reserved": ("allocate", OURS, SPARE),
    "a segment gets its name": ("rename", OURS, SEGMENT),
    "names become durable": ("sync", OURS, "*/traces"),
    "a segment goes on as the next": ("rename", OURS, SPARE),
    "requests are remembered": ("write", OURS, "*/deduplicate/repeats.*"),
    "what is remembered is synced": ("sync", OURS, "*/deduplicate/repeats.*"),
    "totals are written": ("write", OURS, "*/enforcer/checkpoint.*"),
    "totals are synced": ("sync", OURS, "*/enforcer/checkpoint.*"),
    "a message goes to Kafka": ("send", "librdkafka", ""),
    "totals go to Redis": ("send", OURS, ""),
    "an answer goes to a client": ("send", "libgrpc", ""),
}


class Rig:
    """A daemon under load that is killed, and what must hold in the end."""

    def __init__(self, spantoll, kafka, redis, prices, directory, **how):
        self.kafka, self.redis, self.topic = kafka, redis, kafka.topic(partitions=3)
        self.daemon = spantoll(**journaled(directory / "storage", kafka, self.topic, prices, redis), **how)
        self.sender = Sender(self.daemon.grpc, self.daemon.http_port, size=50, workers=2, rate=RATE).start()
        self.kills, self.slowest_start_s = 0, 0

    def moves(self):
        """Waits for a request to be acknowledged from now on."""
        before = self.sender.acknowledged_spans
        eventually(lambda: self.sender.acknowledged_spans > before, 20, "requests are acknowledged")

    def start_again(self):
        begin = time.monotonic()
        self.daemon.start()
        self.kills += 1
        self.slowest_start_s = max(self.slowest_start_s, time.monotonic() - begin)

    def kill_after(self, seconds):
        time.sleep(seconds)
        self.daemon.kill()
        self.start_again()
        self.moves()

    def check(self):
        self.sender.stop()
        assert not self.sender.unknown
        found = conservation.on_kafka(self.kafka, self.topic, self.sender)
        conservation.in_redis(self.redis.client, self.sender.spent())
        # What is sent again after a kill was not behind a durable cursor: a second's worth, and what was on its way.
        assert found.repeated <= self.kills * RATE * 2 * PATIENCE
        assert self.slowest_start_s <= READY_S * PATIENCE
        print(f"{self.sender.acknowledged_spans} spans, {self.kills} kills, {found.repeated} repeats, "
              f"ready after at most {self.slowest_start_s:.2f} s, {dict(self.sender.answers)}")


def kill_often(rig, kills):
    seed = random.SystemRandom().randrange(2**32)
    dice = random.Random(seed)
    print(f"seed {seed}")
    for _ in range(kills):
        rig.kill_after(dice.uniform(0, 1.2))
    rig.check()


def test_what_was_acknowledged_survives_kills(spantoll, kafka, quick_redis, prices, tmp_path):
    kill_often(Rig(spantoll, kafka, quick_redis, prices, tmp_path), 4)


@pytest.mark.full
def test_what_was_acknowledged_survives_thirty_kills(spantoll, kafka, quick_redis, prices, tmp_path):
    kill_often(Rig(spantoll, kafka, quick_redis, prices, tmp_path), 30)


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_what_was_acknowledged_survives_two_hundred_kills(spantoll, kafka, quick_redis, prices, tmp_path):
    kill_often(Rig(spantoll, kafka, quick_redis, prices, tmp_path), 200)


def die_at(rig, faults, point, act, nth):
    calls, source, path = POINTS[point]
    faults.arm(calls, act, nth, source=source, path=path)
    try:
        eventually(lambda: not rig.daemon.running(), 15, f"killed when {point}")
        assert rig.daemon.child.returncode == -9
    finally:
        faults.disarm()
    rig.start_again()
    rig.moves()


def visit(rig, faults, points, dice):
    for point in points:
        for act in (KILL_BEFORE, KILL_AFTER):
            die_at(rig, faults, point, act, dice.choice((1, 2, 3)))
    rig.check()


@pytest.mark.parametrize("points", [["a group is synced", "cursors are written", "totals are synced"]])
def test_what_was_acknowledged_survives_a_crash_at(spantoll, kafka, quick_redis, prices, tmp_path, points):
    faults = Faults(tmp_path / "faults")
    visit(Rig(spantoll, kafka, quick_redis, prices, tmp_path, env=faults.env), faults, points, random.Random())


@pytest.mark.full
def test_what_was_acknowledged_survives_a_crash_at_every_point(spantoll, kafka, quick_redis, prices, tmp_path):
    faults = Faults(tmp_path / "faults")
    visit(Rig(spantoll, kafka, quick_redis, prices, tmp_path, env=faults.env), faults, POINTS, random.Random())
