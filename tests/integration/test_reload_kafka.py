# SPDX-License-Identifier: Apache-2.0
"""A Kafka exporter that changes: every acknowledged span arrives, in order per key; a dead broker can be replaced."""
import threading

import pytest

from env import otlp
from env.kafka_load import span_ids
from env.poll import eventually

pytestmark = pytest.mark.core


def exporter(broker, topic, **more):
    return {"exporters": {"kafka": {"brokers": [broker], "topic": topic, **more}}}


def ids_of(request):
    return [s.span_id for _, s in otlp.spans_of(request)]


def test_order_and_number_hold_over_changes_of_the_producer(kafka, spantoll):
    topic = kafka.topic()
    daemon = spantoll(**exporter(kafka.address, topic))
    sent, stop = [], threading.Event()

    def send():
        client = daemon.new_client()
        while not stop.is_set():
            request = otlp.many("shop", 5)
            answer = client.export(request)
            assert answer.ok, answer
            sent.extend(ids_of(request))

    thread = threading.Thread(target=send)
    thread.start()
    for i in range(6):
        daemon.reload(**exporter(kafka.address, topic, producer={"compression": ["none", "lz4"][i % 2]}))
    stop.set()
    thread.join()
    daemon.wait_metric("otelcol_exporter_sent_spans", len(sent), exporter="kafka", timeout=40)
    assert len(sent) > 100
    assert span_ids(kafka.read(topic)) == sent  # one key: one partition
    assert daemon.metric("otelcol_exporter_send_failed_spans", exporter="kafka") == 0


def test_what_a_dead_broker_did_not_take_goes_to_the_right_one(kafka, spantoll):
    topic = kafka.topic()
    daemon = spantoll(**exporter("127.0.0.1:1", topic))
    sent = []
    for _ in range(20):
        request = otlp.many("shop", 5)
        assert daemon.export(request).ok
        sent += ids_of(request)
    daemon.reload(**exporter(kafka.address, topic))
    request = otlp.many("shop", 5)
    assert daemon.export(request).ok
    sent += ids_of(request)
    daemon.wait_log("its successor goes on with 100 spans that it could not deliver", timeout=30)
    eventually(lambda: set(span_ids(kafka.read(topic))) == set(sent), 40, "all of it is in Kafka")
    assert span_ids(kafka.read(topic)) == sent
    assert daemon.metric("otelcol_exporter_send_failed_spans", exporter="kafka") == 0
