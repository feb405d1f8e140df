# SPDX-License-Identifier: Apache-2.0
"""Kafka goes away for 30 s under load: nothing accepted is lost or comes twice, memory is bounded."""
import shutil
import time
from collections import Counter

import pytest

from env.kafka_load import Load, span_ids

OUTAGE_S = 30


def exporter(broker, topic, **settings):
    return {"kafka": {"brokers": [broker.address], "topic": topic} | settings}


def pause(broker):
    broker.pause()
    time.sleep(OUTAGE_S)
    broker.resume()


def kill(broker):
    broker.kill()
    time.sleep(OUTAGE_S)
    broker.start()


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("outage", [pause, kill])
def test_nothing_is_lost_or_repeated_over_30_s_without_kafka(own_kafka, spantoll, outage):
    topic = own_kafka.topic()
    daemon = spantoll(exporters=exporter(own_kafka, topic))
    load = Load(daemon).start(rate=3000)
    time.sleep(3)
    outage(own_kafka)
    time.sleep(5)
    load.stop()
    assert daemon.running() and not load.gave_up
    daemon.wait_metric("otelcol_exporter_sent_spans", len(load.accepted), timeout=90, exporter="kafka")
    assert daemon.metric("otelcol_exporter_send_failed_spans", exporter="kafka") == 0
    assert daemon.metric("otelcol_process_memory_rss") < 300e6
    ids = Counter(span_ids(own_kafka.read(topic, timeout=60)))
    assert load.accepted <= set(ids)
    assert max(ids.values()) == 1
    # What was refused was in no queue: a span that the client never heard OK for may not be there.
    assert set(ids) <= load.accepted


def test_a_broker_that_lost_all_its_data_gets_what_was_not_acknowledged(own_kafka, spantoll):
    """A new cluster id, unknown producer ids: the producer has to start afresh."""
    topic = own_kafka.topic()
    daemon = spantoll(exporters=exporter(own_kafka, topic))
    load = Load(daemon)
    load.send()
    daemon.wait_metric("otelcol_exporter_sent_spans", 500, exporter="kafka")
    own_kafka.kill()
    load.accepted.clear()
    load.send()
    shutil.rmtree(own_kafka.dir / "data")
    own_kafka.start()
    own_kafka.topic(topic)
    load.send()
    daemon.wait_metric("otelcol_exporter_sent_spans", 1500, timeout=60, exporter="kafka")
    assert Counter(span_ids(own_kafka.read(topic))) == Counter(load.accepted)


@pytest.mark.core
def test_a_full_queue_refuses_and_recovers(own_kafka, spantoll):
    topic = own_kafka.topic()
    daemon = spantoll(exporters=exporter(own_kafka, topic, sending_queue={"queue_size": 5}))
    load = Load(daemon, size=100)
    load.send()
    daemon.wait_metric("otelcol_exporter_sent_spans", 100, exporter="kafka")
    own_kafka.pause()
    refused = None
    for _ in range(1000):
        body, ids = load.body()
        answer = load.client.export(body)
        if not answer.ok:
            refused = answer
            break
        load.accepted.update(ids)
    own_kafka.resume()
    assert refused is not None and refused.code.name == "UNAVAILABLE" and refused.retry_delay
    load.send()
    daemon.wait_metric("otelcol_exporter_sent_spans", len(load.accepted), timeout=60, exporter="kafka")
    assert set(span_ids(own_kafka.read(topic))) == load.accepted


@pytest.mark.core
def test_sigterm_with_kafka_up_loses_nothing(kafka, spantoll):
    topic = kafka.topic()
    daemon = spantoll(exporters=exporter(kafka, topic, producer={"linger": "2s"}))
    load = Load(daemon)
    for _ in range(20):
        load.send()
    assert daemon.stop() == 0
    assert Counter(span_ids(kafka.read(topic))) == Counter(load.accepted)


def test_sigterm_with_kafka_away_ends_in_time_and_says_what_it_lost(own_kafka, spantoll):
    topic = own_kafka.topic()
    daemon = spantoll(exporters=exporter(own_kafka, topic))
    load = Load(daemon)
    load.send()
    daemon.wait_metric("otelcol_exporter_sent_spans", 500, exporter="kafka")
    own_kafka.pause()
    load.send()
    start = time.monotonic()
    daemon.stop(timeout=20)
    assert time.monotonic() - start < 60
    assert "lost 500 spans" in daemon.log
    own_kafka.resume()
