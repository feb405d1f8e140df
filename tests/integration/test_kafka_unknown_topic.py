# SPDX-License-Identifier: Apache-2.0
"""A topic that does not exist yet gets everything once it does."""
import uuid

import pytest

from env import otlp
from env.poll import eventually
from env.kafka_load import Load, span_ids


def kafka_status(daemon):
    return next(c for c in daemon.status()["components"] if c["component"] == "exporter/kafka")


@pytest.mark.core
def test_topic_created_later_gets_everything(kafka, spantoll):
    topic = f"later-{uuid.uuid4().hex[:8]}"
    daemon = spantoll(exporters={"kafka": {"brokers": [kafka.address], "topic": topic}})
    load = Load(daemon, size=200)
    for _ in range(5):
        load.send()
    daemon.wait_log("the topic does not exist: create it", timeout=60)
    assert daemon.running() and daemon.ready()  # a missing topic shows, but unreadies nobody
    assert kafka_status(daemon)["status"] == "degraded"
    assert daemon.metric("otelcol_exporter_sent_spans", exporter="kafka") == 0
    kafka.topic(topic)
    daemon.wait_metric("otelcol_exporter_sent_spans", 1000, timeout=40, exporter="kafka")
    assert sorted(span_ids(kafka.read(topic, at_least=1000))) == sorted(load.accepted)
    assert "messages are acknowledged again" in daemon.log
    assert kafka_status(daemon)["status"] == "ok"


def test_topic_deleted_and_made_again_gets_what_comes_then(kafka, spantoll):
    topic = kafka.topic(partitions=3)
    daemon = spantoll(exporters={"kafka": {"brokers": [kafka.address], "topic": topic,
                                           "metadata": {"refresh_interval": "1s"}}})
    assert daemon.export(otlp.many("pay", 10)).ok
    daemon.wait_metric("otelcol_exporter_sent_spans", 10, exporter="kafka")
    kafka.delete_topic(topic)
    assert daemon.export(otlp.many("pay", 10)).ok
    kafka.topic(topic, partitions=3)
    daemon.wait_metric("otelcol_exporter_sent_spans", 20, timeout=60, exporter="kafka")
    assert eventually(lambda: kafka.count(topic) == 10, 20)
