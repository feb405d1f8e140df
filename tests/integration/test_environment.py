# SPDX-License-Identifier: Apache-2.0
"""The test environment keeps its own promises: real servers that can be hurt and come back."""
import confluent_kafka
import pytest
import redis

from env import otlp
from env.poll import eventually
from env.prometheus import Metrics


def produce(broker, topic, values):
    producer = confluent_kafka.Producer({"bootstrap.servers": broker.address, "enable.idempotence": True})
    for v in values:
        producer.produce(topic, value=v, key="k", headers={"h": b"1"})
    assert producer.flush(30) == 0


def test_topic_is_read_completely_with_keys_and_headers(kafka):
    topic = kafka.topic(partitions=3)
    produce(kafka, topic, [str(n) for n in range(1000)])
    read = kafka.read(topic, at_least=1000)
    assert sorted(int(m.value) for m in read) == list(range(1000))
    assert {m.key for m in read} == {"k"} and read[0].headers == {"h": b"1"}


def test_broker_keeps_what_it_acknowledged_when_killed(own_kafka):
    topic = own_kafka.topic()
    produce(own_kafka, topic, ["before"])
    own_kafka.kill()
    own_kafka.start()
    produce(own_kafka, topic, ["after"])
    assert sorted(m.value for m in own_kafka.read(topic, at_least=2)) == [b"after", b"before"]


def test_redis_keeps_its_data_over_a_kill_and_freezes_when_paused(redis_server):
    redis_server.client.set("k", "v")
    redis_server.kill()
    redis_server.start()
    assert redis_server.client.get("k") == "v"
    redis_server.pause()
    with pytest.raises(redis.TimeoutError):
        redis.Redis("127.0.0.1", redis_server.port, socket_timeout=0.3).get("k")
    redis_server.resume()
    assert eventually(lambda: redis_server.client.get("k"), 10) == "v"


def test_request_builder_round_trips():
    raw = otlp.request({"a": [otlp.span("x", 1.5, {"n": 1, "l": ["a", 2.0]})], None: [otlp.span()]})
    back = otlp.Request.FromString(raw.SerializeToString())
    (res, first), (none, _) = otlp.spans_of(back)
    assert res == {"service.name": "a"} and none == {}
    assert first.end_time_unix_nano - first.start_time_unix_nano == 1_500_000
    assert otlp.read_attributes(first.attributes) == {"n": 1, "l": ["a", 2.0]}


def test_metrics_parser_refuses_what_a_scraper_refuses():
    m = Metrics('# TYPE a counter\na{x="1",y="q\\"\\n"} 3\na{x="2",y=""} 4\nb 0.000000000001\n')
    assert m.get("a") == 7 and m.get("a", x="1") == 3 and m.value("a", x="none") == 0
    with pytest.raises(KeyError):
        m.value("misspelt")
    assert str(m.get("b")) == "1E-12"
    for bad in ('a{x=1} 2', 'a{x="1"} 1\na{x="1"} 2', "# TYPE a counter\n# TYPE a gauge"):
        with pytest.raises(ValueError):
            Metrics(bad)
