# SPDX-License-Identifier: Apache-2.0
"""Hours of load while Kafka and Redis are hurt at random, and conservation at the end: what clients were told OK for
is on Kafka exactly once, and its dollars are in Redis exactly; with a journal, also when the daemon is killed, its disk
fails and answers are lost. SOAK=30m says how long, SOAK_SEED which accidents."""
import errno
import os
import random
import time
from collections import Counter
from decimal import Decimal

import pytest

from env import conservation
from env.cutter import Cutter, Grpc, Http
from env.faults import Faults
from env.journaled import journaled
from env.kafka_load import Load, span_ids
from env.money import same_nanodollars
from env.poll import eventually
from env.sender import Sender
from env.soak import soak_seconds

pytestmark = [pytest.mark.soak, pytest.mark.timeout(0)]
RATE = 1000  # spans per second
MEMORY_BYTES = 400e6

MISSING = [("write allocate", errno.ENOSPC), ("write sync", errno.EIO), ("open rename unlink truncate", errno.EROFS),
           ("memory", errno.ENOMEM), ("read", errno.EIO)]


def hurt(server, how, seconds):
    """One accident, and the server is back."""
    if how == "pause":
        server.pause()
        time.sleep(seconds)
        server.resume()
    else:
        getattr(server, how)()
        time.sleep(seconds)
        server.start()


def test_nothing_is_lost_or_counted_twice_whatever_happens_around(own_kafka, redis_server, spantoll, prices):
    seed = int(os.environ.get("SOAK_SEED", random.randrange(10**6)))
    dice, topic = random.Random(seed), own_kafka.topic()
    print(f"SOAK_SEED={seed}")
    daemon = spantoll(
        processors={"pricing": {"file": prices({f"service-{n}:/cart": "0.000001234567" for n in range(10)})}, "cost": {}},
        exporters={"kafka": {"brokers": [own_kafka.address], "topic": topic, "retry_on_failure": {"max_elapsed_time": 0}},
                   "enforcer": {"redis": {"endpoints": [redis_server.address]}, "evaluation_window": "5s"}})
    load = Load(daemon).start(RATE, seconds=10**9)
    end = time.monotonic() + soak_seconds()
    while time.monotonic() < end:
        time.sleep(dice.uniform(2, 20))
        server, how = dice.choice([own_kafka, redis_server]), dice.choice(["kill", "stop", "pause"])
        hurt(server, how, dice.uniform(0.5, 40))
        assert daemon.running() and daemon.rss_bytes() < MEMORY_BYTES
    load.stop()
    assert not load.gave_up
    daemon.wait_metric("otelcol_exporter_sent_spans", len(load.accepted), timeout=120, exporter="kafka")
    messages = own_kafka.read(topic, timeout=600)
    assert Counter(span_ids(messages)) == Counter(load.accepted)
    spent = Counter()
    for m in messages:
        spent[m.key] += Decimal(m.exact["cost_amount"])
    for service, total in spent.items():
        key = f"cost:rolling:{service}:24h"
        eventually(lambda: same_nanodollars(redis_server.client.get(key), total), 60, f"{key} is {total}")
    assert daemon.stop() == 0


class Accidents:
    """What can happen around a daemon with a journal, one thing after the other."""

    def __init__(self, daemon, faults, servers, dice):
        self.daemon, self.faults, self.servers, self.dice = daemon, faults, servers, dice

    def kill(self):
        self.daemon.kill()
        self.daemon.start()

    def restart(self):
        assert self.daemon.stop() == 0
        self.daemon.start()

    def reload(self):
        self.daemon.reload()

    def server(self):
        hurt(self.dice.choice(self.servers), self.dice.choice(["kill", "stop", "pause"]), self.dice.uniform(0.5, 20))

    def restart_without_a_server(self):
        server = self.dice.choice(self.servers)
        server.pause()
        self.dice.choice([self.kill, self.restart])()
        server.resume()

    def nothing_to_be_had(self):
        calls, error = self.dice.choice(MISSING)
        self.faults.arm(calls, error, self.dice.randrange(1, 20), lasting=True)
        time.sleep(self.dice.uniform(0.1, 3))
        if self.dice.random() < 0.3:
            self.daemon.kill()
        self.faults.disarm()
        if not self.daemon.running():
            self.daemon.start()

    def happen(self):
        what = self.dice.choice([self.kill, self.kill, self.restart, self.reload, self.server, self.restart_without_a_server,
                                 self.nothing_to_be_had, self.nothing_to_be_had])
        print(what.__name__, flush=True)
        what()
        assert self.daemon.running() and self.daemon.rss_bytes() < MEMORY_BYTES


def accidents(own_kafka, redis_server, spantoll, prices, directory, seconds):
    seed = int(os.environ.get("SOAK_SEED", random.randrange(10**6)))
    dice, topic, faults = random.Random(seed), own_kafka.topic(), Faults(directory / "faults")
    print(f"SOAK_SEED={seed}")
    daemon = spantoll(env=faults.env, **journaled(directory / "storage", own_kafka, topic, prices, redis_server))
    wires = Cutter(daemon.grpc_port, Grpc, seed=seed), Cutter(daemon.http_port, Http, seed=seed)
    sender = Sender(wires[0].address, wires[1].port, size=50, workers=2, rate=RATE).start()
    happens = Accidents(daemon, faults, [own_kafka, redis_server], dice)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(dice.uniform(0.2, 3))
        before = sender.acknowledged_spans
        happens.happen()
        eventually(lambda: sender.acknowledged_spans > before, 60, "requests are acknowledged")
    sender.stop(120)
    assert not sender.unknown
    found = conservation.on_kafka(own_kafka, topic, sender, timeout=600)
    conservation.in_redis(redis_server.client, found.spent()[0], timeout=60)
    # A span that found no memory for its price has none; nothing else differs from what clients reckon.
    assert found.spent()[1] <= 50 * 20 and all(s >= found.spent()[0][n] for n, s in sender.spent().items())
    assert daemon.stop() == 0


def test_nothing_is_lost_or_counted_twice_with_a_journal_whatever_happens(own_kafka, redis_server, spantoll, prices, tmp_path):
    accidents(own_kafka, redis_server, spantoll, prices, tmp_path, soak_seconds())
