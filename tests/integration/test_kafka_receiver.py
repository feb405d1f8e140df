# SPDX-License-Identifier: Apache-2.0
"""What one daemon wrote to Kafka another one reads: the same money to the picodollar, nothing lost or twice over
rebalances, restarts and brokers that go away, and nothing that a wrong message could stop."""
import json
import uuid

import confluent_kafka
import pytest

from env import otlp
from env.destination import Destination
from env.poll import eventually

PRICES = {"checkout:/pay": "0.000001234567", "pay:GET": "0.1", "gift:/free": "0"}
SAMPLED = "b3333333333333"  # 30 %
ENCODINGS = ["json", "otlp_json", "otlp_proto"]


def writer(spantoll, prices, kafka, **topics):
    exporters = {f"kafka/{n}": {"brokers": [kafka.address], "topic": t, "encoding": n} for n, t in topics.items()}
    return spantoll(processors={"pricing": {"file": prices(PRICES)}, "cost": {}}, exporters=exporters)


def reading(kafka, topic, **settings):
    return {"brokers": [kafka.address], "topic": topic, "group_id": f"group-{topic}", "session_timeout": "6s",
            "heartbeat_interval": "1s"} | settings


def reader(spantoll, kafka, topic, exporters=None, **settings):
    return spantoll(receivers={"kafka": reading(kafka, topic, **settings)}, processors={},
                    exporters=exporters or {"nop": {}})


def mixed():
    pay = [otlp.span("/pay", 1.3, attrs={"http.route": "/pay", "tenant.id": "acme"}) for _ in range(60)]
    for span in pay[:20]:
        span.trace_state = f"ot=th:{SAMPLED}"
    return otlp.request({"checkout": pay, "pay": [otlp.span("GET", 7.7) for _ in range(30)],
                         "gift": [otlp.span("/free", 5, attrs={"http.route": "/free"})],
                         "nobody": [otlp.span("/lost", 5), otlp.span("/lost", 6)]})


def committed(kafka, topic):
    consumer = confluent_kafka.Consumer({"bootstrap.servers": kafka.address, "group.id": f"group-{topic}"})
    try:
        parts = [confluent_kafka.TopicPartition(topic, p)
                 for p in consumer.list_topics(topic).topics[topic].partitions]
        return sum(max(0, p.offset) for p in consumer.committed(parts, timeout=10))
    finally:
        consumer.close()


def test_amounts_come_back_exactly_in_every_encoding(spantoll, kafka, prices):
    topics = {n: kafka.topic(partitions=3) for n in ENCODINGS}
    front = writer(spantoll, prices, kafka, **topics)
    for _ in range(5):
        assert front.export(mixed()).ok
    receivers = {f"kafka/{n}": reading(kafka, t, encoding=n) for n, t in topics.items()}
    back = spantoll(receivers=receivers, exporters={"enforcer": {"store": "memory"}, "nop": {}},
                    pipelines={f"traces/{n}": {"receivers": [f"kafka/{n}"], "exporters": ["enforcer", "nop"]}
                               for n in ENCODINGS})
    spans = front.metric("otelcol_receiver_accepted_spans")
    for n in ENCODINGS:
        back.wait_metric("otelcol_receiver_accepted_spans", spans, receiver=f"kafka/{n}")
        for what in ("cost_total_usd", "spantoll_priced_spans", "spantoll_unpriced_spans"):
            assert back.metric(what, pipeline=f"traces/{n}") == front.metric(what), (n, what)
    assert front.metric("cost_total_usd") > 0 and front.metric("spantoll_unpriced_spans") == 5 * 2
    for n, topic in topics.items():
        eventually(lambda t=topic: committed(kafka, t) == kafka.count(t), 15, f"offsets of {n} are committed")


def test_poison_is_passed_over_and_counted(spantoll, kafka, prices):
    topics = {n: kafka.topic(partitions=1) for n in ENCODINGS}
    producer = confluent_kafka.Producer({"bootstrap.servers": kafka.address})
    for topic in topics.values():
        for value in (b"not a record", b"", b"\x0a\x03\x0a\x7f\x01", b'{"resourceSpans":3}', b"[]"):
            producer.produce(topic, value)
    producer.flush(30)
    front = writer(spantoll, prices, kafka, **topics)
    assert front.export(mixed()).ok
    for n, topic in topics.items():
        back = reader(spantoll, kafka, topic, encoding=n)
        back.wait_metric("otelcol_receiver_accepted_spans", 93)
        assert back.metric("cost_total_usd") == front.metric("cost_total_usd")
        assert back.metric("spantoll_receiver_skipped_messages", reason="empty") == 1
        assert back.metric("spantoll_receiver_skipped_messages", reason="malformed") == 4
        back.wait_log(rf"passed over: .*topic={topic} partition=0 offset=0")
        eventually(lambda t=topic: committed(kafka, t) == kafka.count(t), 15, "nothing is read again")
        back.stop()


def spans_in(*files):
    lines = [line for f in files if f.exists() for line in f.read_text().splitlines()]
    return [json.loads(line)["span_id"] for line in lines]


def test_partitions_move_without_loss_or_repeat(spantoll, kafka, prices, tmp_path):
    topic = kafka.topic(partitions=6)
    front = writer(spantoll, prices, kafka, json=topic)
    files = [tmp_path / f"{i}.jsonl" for i in range(3)]
    exporters = [{"file": {"path": str(f), "encoding": "json", "required": True}} for f in files]

    def send(times):
        for _ in range(times):
            assert front.export(otlp.request({f"s{i}": [otlp.span("/pay", 1) for _ in range(10)]
                                              for i in range(12)})).ok

    def held(daemon):
        return daemon.metric("otelcol_kafka_receiver_partition_start") - \
            daemon.metric("otelcol_kafka_receiver_partition_close")

    send(20)
    one = reader(spantoll, kafka, topic, exporters[0])
    send(20)
    eventually(lambda: len(spans_in(files[0])) > 100, 20, "the first one reads")
    two = reader(spantoll, kafka, topic, exporters[1])
    send(20)
    eventually(lambda: held(one) == 3 and held(two) == 3, 30, "both have half of the partitions")
    send(20)
    one.stop()
    send(20)
    eventually(lambda: len(spans_in(*files)) >= 100 * 120, 30, "all have come")
    spans = spans_in(*files)
    assert len(spans) == len(set(spans)) == 100 * 120
    # A start that goes on where the last one ended.
    two.stop()
    three = reader(spantoll, kafka, topic, exporters[2])
    send(1)
    three.wait_metric("otelcol_receiver_accepted_spans", 120)


def test_what_the_pipeline_refuses_waits_in_the_topic(spantoll, kafka, prices):
    topic = kafka.topic(partitions=6)
    front = writer(spantoll, prices, kafka, json=topic)
    assert front.export(otlp.request({f"s{i}": [otlp.span("/pay", 1) for _ in range(100)] for i in range(20)})).ok
    front.wait_metric("otelcol_exporter_sent_spans", 2000)
    destination = Destination()
    back = reader(spantoll, kafka, topic, {"otlp": {
        "endpoint": f"127.0.0.1:{destination.port}", "tls": {"insecure": True},
        "sending_queue": {"queue_size": 1, "sizer": "requests", "num_consumers": 1},
        "retry_on_failure": {"initial_interval": "100ms", "max_interval": "200ms", "max_elapsed_time": "0s"}}})
    eventually(lambda: back.metric("otelcol_receiver_refused_spans") > 0, 20, "the queue is full")
    assert committed(kafka, topic) == 0
    destination.start()
    try:
        back.wait_metric("otelcol_receiver_accepted_spans", 2000)
        assert len(destination.ids) == len(set(destination.ids)) == 2000
        eventually(lambda: committed(kafka, topic) == 2000, 15, "offsets are committed")
    finally:
        destination.stop(grace=0)


def test_kill_loses_nothing_and_a_reload_repeats_nothing(spantoll, kafka, prices, tmp_path):
    topic = kafka.topic(partitions=4)
    front = writer(spantoll, prices, kafka, json=topic)
    out = tmp_path / "spans.jsonl"
    exporters = {"file": {"path": str(out), "encoding": "json", "required": True, "append": True}}

    def send():
        assert front.export(otlp.request({f"s{i}": [otlp.span("/pay", 1) for _ in range(50)] for i in range(8)})).ok

    send()
    back = reader(spantoll, kafka, topic, exporters)
    eventually(lambda: len(set(spans_in(out))) == 400, 20, "it reads")
    eventually(lambda: committed(kafka, topic) == 400, 15, "and commits")
    send()
    back.reload(receivers={"kafka": reading(kafka, topic, linger="5ms")}, processors={}, exporters=exporters)
    send()
    eventually(lambda: len(spans_in(out)) >= 1200, 20, "the next receiver goes on")
    assert len(set(spans_in(out))) == len(spans_in(out)) == 1200
    send()
    back.restart(kill=True)
    send()
    eventually(lambda: len(set(spans_in(out))) == 2000, 30, "all have come, some perhaps twice")


def test_a_topic_may_come_later(spantoll, kafka, prices):
    topic = f"later-{uuid.uuid4().hex[:8]}"
    back = reader(spantoll, kafka, topic)
    eventually(lambda: "not there" in json.dumps(back.status()), 20, "a missing topic is said")
    kafka.topic(topic, partitions=2)
    front = writer(spantoll, prices, kafka, json=topic)
    assert front.export(mixed()).ok
    back.wait_metric("otelcol_receiver_accepted_spans", 93)
    eventually(lambda: "not there" not in json.dumps(back.status()), 20, "and that it is there")


@pytest.mark.full
def test_brokers_go_and_come_back(spantoll, own_kafka, prices):
    topic = own_kafka.topic(partitions=3)
    front = writer(spantoll, prices, own_kafka, json=topic)
    back = reader(spantoll, own_kafka, topic)
    assert front.export(mixed()).ok
    back.wait_metric("otelcol_receiver_accepted_spans", 93)
    own_kafka.stop()
    eventually(lambda: "no broker answers" in json.dumps(back.status()), 60, "health says so")
    own_kafka.start()
    assert front.export(mixed()).ok
    back.wait_metric("otelcol_receiver_accepted_spans", 2 * 93, timeout=60)
    assert back.metric("cost_total_usd") == front.metric("cost_total_usd")
    eventually(lambda: "no broker answers" not in json.dumps(back.status()), 20, "health says so")
