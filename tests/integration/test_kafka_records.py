# SPDX-License-Identifier: Apache-2.0
"""What consumers find in Kafka: key, headers, record, all three encodings."""
import base64
import json
import uuid
from collections import Counter, defaultdict

import pytest
from google.protobuf import json_format

from env import otlp
from env.poll import eventually


def exporter(broker, topic, **settings):
    return {"kafka": {"brokers": [broker.address], "topic": topic} | settings}


@pytest.mark.core
def test_json_is_one_flat_record_per_span(kafka, spantoll, prices):
    topic = kafka.topic()
    daemon = spantoll(
        processors={"pricing": {"file": prices({"pay:/charge": "0.002"}), "region": "eu-west-1"}, "cost": {}},
        exporters=exporter(kafka, topic))
    spans = [otlp.span("/charge", duration_ms=12.5), otlp.span("/refund", parent=b"12345678")]
    assert daemon.export(otlp.request({"pay": spans}, {"service.version": "4f3c2d1e"})).ok
    priced, unpriced = sorted(kafka.read(topic, at_least=2), key=lambda m: "cost_error" in m.json)
    for m, span in ((priced, spans[0]), (unpriced, spans[1])):
        record = m.json
        assert list(record)[:5] == ["trace_id", "service", "operation", "cost_amount", "timestamp"]
        assert record["trace_id"] == span.trace_id.hex() and record["span_id"] == span.span_id.hex()
        assert m.key == record["service"] == "pay"
        assert record["operation"] == span.name
        assert record["timestamp"] == span.end_time_unix_nano // 1_000_000
        assert isinstance(record["timestamp"], int) and 1e12 < record["timestamp"] < 1e13
        assert isinstance(record["cost_amount"], (int, float)) and not isinstance(record["cost_amount"], bool)
        assert record["commit"] == "4f3c2d1e"
        assert abs(m.timestamp_ms - record["received_ms"]) < 60_000
    assert json.loads(priced.value, parse_float=str)["cost_amount"] == "0.025"
    assert "cost_error" not in priced.json and "parent_span_id" not in priced.json
    assert unpriced.json["cost_amount"] == 0
    assert unpriced.json["cost_error"] == "no pricing data for pay:/refund"
    assert unpriced.json["parent_span_id"] == b"12345678".hex()


@pytest.mark.core
def test_headers_name_every_message_once(kafka, spantoll):
    topic = kafka.topic()
    daemon = spantoll(exporters=exporter(kafka, topic))
    for _ in range(3):
        assert daemon.export(otlp.many("pay", 10)).ok
    found = kafka.read(topic, at_least=30)
    assert all(set(m.headers) == {"node", "epoch", "seq"} for m in found)
    assert len({m.headers["node"] for m in found}) == 1 and found[0].headers["node"]
    assert len({m.headers["epoch"] for m in found}) == 1 and len(found[0].headers["epoch"]) == 32
    seq = [int(m.headers["seq"]) for m in found]
    assert len(set(seq)) == 30 and seq == sorted(seq)  # one key: one partition, in order


@pytest.mark.core
def test_headers_of_journaled_spans_are_the_same_after_a_crash(kafka, spantoll, tmp_path):
    topic = kafka.topic()
    daemon = spantoll(extensions={"file_storage": {"directory": str(tmp_path / "journals")}},
                      exporters=exporter(kafka, topic, sending_queue={"storage": "file_storage"}))
    sent = []
    for _ in range(3):
        request = otlp.many("pay", 10)
        assert daemon.export(request).ok
        sent += [s.span_id.hex() for _, s in otlp.spans_of(request)]
    kafka.read(topic, at_least=30)
    daemon.restart(kill=True)  # before the cursor was saved, or soon after: some may come again
    assert daemon.export(otlp.many("pay", 10)).ok
    last = 3 << 17 | 9  # record 3, its tenth span
    found = eventually(lambda: (m := kafka.read(topic, at_least=40)) and int(m[-1].headers["seq"]) == last and m, 20,
                       "what came last is there")
    assert len({m.headers["epoch"] for m in found}) == 1 and len(found[0].headers["epoch"]) == 32
    by_seq = defaultdict(set)
    for m in found:
        by_seq[int(m.headers["seq"])].add(m.value)
    assert sorted(by_seq) == [record << 17 | span for record in range(4) for span in range(10)]
    assert all(len(values) == 1 for values in by_seq.values())
    assert [json.loads(v)["span_id"] for seq in sorted(by_seq)[:30] for v in by_seq[seq]] == sent


def test_headers_can_be_left_out(kafka, spantoll):
    topic = kafka.topic()
    daemon = spantoll(exporters=exporter(kafka, topic, headers=False))
    assert daemon.export(otlp.many("pay", 3)).ok
    assert all(m.headers == {} for m in kafka.read(topic, at_least=3))


@pytest.mark.parametrize("encoding", ["otlp_proto", "otlp_json"])
def test_otlp_messages_parse_and_carry_the_cost(kafka, spantoll, prices, encoding):
    topic = kafka.topic()
    daemon = spantoll(
        processors={"pricing": {"file": prices({"pay:/charge": "0.002"})}, "cost": {}},
        exporters=exporter(kafka, topic, encoding=encoding))
    sent = otlp.request({"pay": [otlp.span("/charge", 10) for _ in range(5)], "shop": [otlp.span("/cart")]})
    assert daemon.export(sent).ok
    found = kafka.read(topic, at_least=2)
    assert sorted(m.key for m in found) == ["pay", "shop"]
    seen = {}
    for m in found:
        if encoding == "otlp_proto":
            request = otlp.Request.FromString(m.value)
        else:
            request = from_otlp_json(m.json)
        for resource, span in otlp.spans_of(request):
            assert resource["service.name"] == m.key
            seen[span.span_id] = otlp.read_attributes(span.attributes)
    assert set(seen) == {s.span_id for _, s in otlp.spans_of(sent)}
    costs = Counter(a.get("cost.amount") for a in seen.values())
    assert costs == {0.02: 5, None: 1}
    assert sum("cost.error" in a for a in seen.values()) == 1


def from_otlp_json(document):
    """Google's parser reads bytes as base64 where OTLP/JSON has hex."""
    for resource in document["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                for key in ("traceId", "spanId", "parentSpanId"):
                    if key in span:
                        span[key] = hex_to_base64(span[key])
    return json_format.ParseDict(document, otlp.Request())


def hex_to_base64(text):
    return base64.b64encode(bytes.fromhex(text)).decode()


def test_a_service_stays_in_its_partition_and_services_spread(kafka, spantoll):
    topic = kafka.topic()
    daemon = spantoll(exporters=exporter(kafka, topic))
    for _ in range(2):
        assert daemon.export(otlp.request({f"service-{n}": [otlp.span()] for n in range(40)})).ok
    partitions = defaultdict(set)
    for m in kafka.read(topic, at_least=80):
        partitions[m.key].add(m.partition)
    assert all(len(p) == 1 for p in partitions.values())
    assert len(set().union(*partitions.values())) > 6
    assert partitions["service-7"] == {murmur2(b"service-7") % 12}


def murmur2(data):
    """As org.apache.kafka.common.utils.Utils.murmur2, made positive."""
    m, mask = 0x5BD1E995, 0xFFFFFFFF
    h = (0x9747B28C ^ len(data)) & mask
    whole = len(data) & ~3
    for i in range(0, whole, 4):
        k = int.from_bytes(data[i:i + 4], "little") * m & mask
        k = (k ^ k >> 24) * m & mask
        h = h * m & mask ^ k
    rest = int.from_bytes(data[whole:], "little")
    if rest:
        h = (h ^ rest) * m & mask
    h = (h ^ h >> 13) * m & mask
    return (h ^ h >> 15) & 0x7FFFFFFF


def test_missing_topics_are_created_with_twelve_partitions(kafka, spantoll):
    topic = f"made-{uuid.uuid4().hex[:8]}"
    daemon = spantoll(exporters=exporter(kafka, topic, create_topic=True))
    assert daemon.export(otlp.many("pay", 5)).ok
    eventually(lambda: topic in kafka.topics(), 20, "the topic is there")
    assert len(kafka.read(topic, at_least=5)) == 5
    assert kafka.topics()[topic] == 12 and kafka.topics()[topic + "-dlq"] == 12
    kafka.delete_topic(topic)
    kafka.delete_topic(topic + "-dlq")


def test_counters_tell_what_was_acknowledged(kafka, spantoll):
    topic = kafka.topic()
    daemon = spantoll(exporters=exporter(kafka, topic))
    assert daemon.export(otlp.many("pay", 50)).ok
    daemon.wait_metric("otelcol_exporter_sent_spans", 50, exporter="kafka")
    assert daemon.metric("otelcol_exporter_send_failed_spans", exporter="kafka") == 0
    assert kafka.count(topic) == 50
