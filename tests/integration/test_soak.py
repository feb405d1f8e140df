# SPDX-License-Identifier: Apache-2.0
"""Hours of load while Kafka and Redis are hurt at random, and conservation at the end: what clients were told OK for
is on Kafka exactly once, and its dollars are in Redis exactly. SOAK=30m says how long, SOAK_SEED which accidents."""
import os
import random
import time
from collections import Counter
from decimal import Decimal

import pytest

from env.kafka_load import Load, span_ids
from env.money import same_nanodollars
from env.poll import eventually
from env.soak import soak_seconds

pytestmark = [pytest.mark.soak, pytest.mark.timeout(0)]
RATE = 1000  # spans per second
MEMORY_BYTES = 400e6


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
