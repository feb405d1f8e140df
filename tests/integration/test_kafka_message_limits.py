# SPDX-License-Identifier: Apache-2.0
"""No accepted span is lost for the size of a message: cut, or told in the dead-letter topic."""
import base64
import json
from collections import Counter

import pytest

from env import otlp
from env.poll import eventually
from env.kafka_load import Load, span_ids

KAFKAS_DEFAULT = {"max.message.bytes": "1048588"}


def exporter(broker, topic, **settings):
    return {"kafka": {"brokers": [broker.address], "topic": topic} | settings}


def json_span_ids(messages):
    return [bytes.fromhex(span["spanId"]) for m in messages for resource in m.json["resourceSpans"]
            for scope in resource["scopeSpans"] for span in scope["spans"]]


def test_otlp_json_in_batches_of_8192_spans_is_cut_to_size_and_all_arrives(kafka, spantoll):
    topic = kafka.topic(config=KAFKAS_DEFAULT)
    daemon = spantoll(processors={"batch": {"send_batch_size": 8192}},
                      exporters=exporter(kafka, topic, encoding="otlp_json"))
    load = Load(daemon, size=1000, services=1, attrs={f"attribute.{n}": "a value of usual length" for n in range(12)})
    load.run(20000, 10)  # as many as this machine can
    assert len(load.accepted) >= 10_000 and not load.gave_up
    daemon.wait_metric("otelcol_exporter_sent_spans", len(load.accepted), timeout=60, exporter="kafka")
    found = kafka.read(topic, timeout=60)
    assert max(len(m.value) for m in found) <= 1_000_000
    assert max(len(m.value) for m in found) > 700_000  # cut because they must be, not smaller
    ids = Counter(json_span_ids(found))
    assert set(ids) == load.accepted
    assert max(ids.values()) == 1


@pytest.mark.core
@pytest.mark.parametrize("encoding", ["otlp_json", "otlp_proto"])
def test_a_span_too_large_alone_is_told_in_the_dead_letter_topic(kafka, spantoll, prices, encoding):
    topic = kafka.topic(config=KAFKAS_DEFAULT)
    kafka.topic(topic + "-dlq", partitions=1)
    daemon = spantoll(processors={"pricing": {"file": prices({"pay:/charge": "0.5"})}, "cost": {}},
                      exporters=exporter(kafka, topic, encoding=encoding))
    giant = otlp.span("/charge", 10, {"blob": "x" * 1_500_000})
    small = [otlp.span("/charge") for _ in range(9)]
    assert daemon.export(otlp.request({"pay": small[:5] + [giant] + small[5:]})).ok
    (letter,) = kafka.read(topic + "-dlq", at_least=1)
    said = letter.json
    assert letter.key == "pay" and said["service"] == "pay" and said["operation"] == "/charge"
    assert said["span_id"] == giant.span_id.hex() and said["trace_id"] == giant.trace_id.hex()
    assert said["cost_amount"] == 5 and said["topic"] == topic and said["encoding"] == encoding
    assert said["size"] > 1_500_000 and "is over the limit of 1000000 bytes" in said["reason"]
    assert len(base64.b64decode(said["data_base64"])) == 4096
    daemon.wait_metric("otelcol_exporter_sent_spans", 10, exporter="kafka")
    assert daemon.metric("spantoll_exporter_dead_letter_spans", exporter="kafka") == 1
    assert daemon.metric("otelcol_exporter_send_failed_spans", exporter="kafka") == 0
    found = kafka.read(topic, at_least=2 if encoding == "otlp_proto" else 1)
    if encoding == "otlp_json":
        ids = json_span_ids(found)
    else:
        ids = [s.span_id for m in found for _, s in otlp.spans_of(otlp.Request.FromString(m.value))]
    assert sorted(ids) == sorted(s.span_id for s in small)


def test_a_record_too_large_is_told_in_the_dead_letter_topic(kafka, spantoll):
    topic = kafka.topic()
    kafka.topic(topic + "-dlq", partitions=1)
    daemon = spantoll(exporters=exporter(kafka, topic, producer={"max_message_bytes": 2000}))
    giant, small = otlp.span(attrs={"tenant.id": "t" * 3000}), otlp.span("/cart")
    assert daemon.export(otlp.request({"shop": [giant, small]})).ok
    (letter,) = kafka.read(topic + "-dlq", at_least=1)
    assert letter.json["span_id"] == giant.span_id.hex()
    assert json.loads(base64.b64decode(letter.json["data_base64"]))["tenant"] == "t" * 3000
    assert span_ids(kafka.read(topic, at_least=1)) == [small.span_id]


def test_without_a_dead_letter_topic_the_span_counts_as_failed(kafka, spantoll):
    topic = kafka.topic()
    daemon = spantoll(exporters=exporter(kafka, topic, producer={"max_message_bytes": 2000}))
    assert daemon.export(otlp.request({"shop": [otlp.span(attrs={"tenant.id": "t" * 3000}), otlp.span("/cart")]})).ok
    daemon.wait_metric("otelcol_exporter_send_failed_spans", 1, timeout=60, exporter="kafka")
    assert daemon.metric("otelcol_exporter_sent_spans", exporter="kafka") == 1
    assert "lost 1 span worth $" in daemon.log


@pytest.mark.parametrize("encoding", ["json", "otlp_proto"])
def test_a_topic_that_takes_less_than_we_make_gets_everything_in_smaller_messages(kafka, spantoll, encoding):
    topic = kafka.topic(config={"max.message.bytes": "20000"})
    daemon = spantoll(exporters=exporter(kafka, topic, encoding=encoding, producer={"compression": "none"}))
    load = Load(daemon, size=1000, services=2)
    for _ in range(5):
        load.send()
    daemon.wait_metric("otelcol_exporter_sent_spans", 5000, timeout=90, exporter="kafka")
    found = kafka.read(topic)
    if encoding == "json":
        ids = span_ids(found)
    else:
        ids = [s.span_id for m in found for _, s in otlp.spans_of(otlp.Request.FromString(m.value))]
    assert set(ids) == load.accepted and len(ids) == 5000
    assert eventually(lambda: "raise the topic's max.message.bytes" in daemon.log, 5)
