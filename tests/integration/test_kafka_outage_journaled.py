# SPDX-License-Identifier: Apache-2.0
"""Kafka is away for long while more comes in than a journal can hold: memory and disk stay within their bounds, every
refusal invites to come again, nothing is lost; and daemons that are restarted meanwhile end in time and lose nothing."""
import time

import pytest

from env import conservation
from env.daemon import BINARY
from env.journaled import files_bytes, journaled
from env.poll import PATIENCE, eventually
from env.sender import Sender
from env.soak import soak_seconds

MIB = 1 << 20
DISK = 8 * MIB
# Of a daemon that has taken requests before; AddressSanitizer keeps what was freed for a while.
MORE_MEMORY = (600 if {"asan", "tsan"} & set(BINARY.parts) else 96) * MIB
EXIT_S = 10


def watch(daemon, storage, seconds, until=None):
    """Bounds hold all the time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and not (until and until()):
        assert daemon.running()
        assert files_bytes(storage / "traces") <= DISK + MIB, "more disk than max_size, and what is kept besides"
        assert daemon.rss_bytes() <= daemon.idle + MORE_MEMORY, f"{daemon.rss_bytes() / MIB:.0f} MiB"
        time.sleep(0.1)


def outage(broker, redis, spantoll, prices, directory, seconds):
    topic, storage = broker.topic(partitions=3), directory / "storage"
    daemon = spantoll(**journaled(storage, broker, topic, prices, redis, max_size=f"{DISK}"))
    daemon.idle = daemon.rss_bytes()
    sender = Sender(daemon.grpc, daemon.http_port, size=500, workers=2).start()
    eventually(lambda: sender.acknowledged_spans > 1000, 20)
    broker.pause()
    try:
        eventually(lambda: daemon.metric("spantoll_journal_refused_records", reason="full") > 0, 60, "the journal is full")
        watch(daemon, storage, seconds)
    finally:
        broker.resume()
    before = sender.acknowledged_spans
    eventually(lambda: sender.acknowledged_spans > before + 1000, 60, "requests are taken again")
    sender.stop()
    assert not sender.unknown and daemon.running()
    refused = {what for what in sender.answers if what not in ("OK", "UNAVAILABLE", "503")}
    assert not refused, refused
    assert sender.answers["UNAVAILABLE"] and sender.answers["503"]
    assert not sender.without_delay, sender.without_delay[:3]
    found = conservation.on_kafka(broker, topic, sender, timeout=120)
    conservation.in_redis(redis.client, sender.spent())
    assert found.repeated == 0
    assert daemon.stop() == 0


def test_a_full_journal_keeps_to_its_bounds_and_loses_nothing(own_kafka, quick_redis, spantoll, prices, tmp_path):
    outage(own_kafka, quick_redis, spantoll, prices, tmp_path, 3)


@pytest.mark.full
def test_three_minutes_without_kafka(own_kafka, quick_redis, spantoll, prices, tmp_path):
    outage(own_kafka, quick_redis, spantoll, prices, tmp_path, 180)


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_half_an_hour_without_kafka(own_kafka, quick_redis, spantoll, prices, tmp_path):
    outage(own_kafka, quick_redis, spantoll, prices, tmp_path, soak_seconds())


def restarts(broker, redis, spantoll, prices, directory, count, load_s):
    topic = broker.topic(partitions=3)
    daemon = spantoll(**journaled(directory / "storage", broker, topic, prices, redis))
    sender = Sender(daemon.grpc, daemon.http_port, size=50, workers=2, rate=1500).start()
    for n in range(count):
        time.sleep(load_s)
        without = n % 2 == 1
        if without:
            broker.pause()
            time.sleep(0.5)
        begin = time.monotonic()
        assert daemon.stop() == 0
        took = time.monotonic() - begin
        daemon.start()
        if without:
            broker.resume()
        assert took <= EXIT_S * PATIENCE, f"{took:.1f} s, Kafka {'away' if without else 'up'}"
        before = sender.acknowledged_spans
        eventually(lambda: sender.acknowledged_spans > before, 20, "requests are acknowledged")
    sender.stop()
    assert not sender.unknown
    conservation.on_kafka(broker, topic, sender)
    conservation.in_redis(redis.client, sender.spent())


def test_rolling_restarts_lose_nothing(own_kafka, quick_redis, spantoll, prices, tmp_path):
    restarts(own_kafka, quick_redis, spantoll, prices, tmp_path, 2, 0.5)


@pytest.mark.full
def test_ten_rolling_restarts_lose_nothing(own_kafka, quick_redis, spantoll, prices, tmp_path):
    restarts(own_kafka, quick_redis, spantoll, prices, tmp_path, 10, 2)


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_a_hundred_rolling_restarts_lose_nothing(own_kafka, quick_redis, spantoll, prices, tmp_path):
    restarts(own_kafka, quick_redis, spantoll, prices, tmp_path, 100, 2)
