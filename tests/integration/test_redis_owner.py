# SPDX-License-Identifier: Apache-2.0
"""Budgets at the front and budgets behind Kafka see the same spans: on one Redis only one of them counts."""
import pytest

from env import otlp
from env.ports import free_port
from env.poll import eventually

KEY, OWNER, GROUP = "cost:rolling:checkout:24h", "spantoll:owner", "cost-attribution-v1"
PRICES = {"checkout:/pay": "1"}  # a dollar per ms


def dollars(n):
    return otlp.request({"checkout": [otlp.span("/pay", n, attrs={"http.route": "/pay"})]})


def enforcer(redis, **more):
    return {"enforcer": {"redis": {"endpoints": [redis.address]}, "flush_interval": "100ms"} | more}


def disowned(daemon):
    return daemon.metric("spantoll_enforcer_disowned")


@pytest.fixture
def front(spantoll, prices, quick_redis):
    def start(**exporters):
        return spantoll(processors={"pricing": {"file": prices(PRICES)}, "cost": {}},
                        exporters=enforcer(quick_redis) | exporters)
    return start


@pytest.fixture
def behind(spantoll, quick_redis):
    def start(address, topic):
        receiver = {"brokers": [address], "topic": topic, "session_timeout": "6s", "heartbeat_interval": "1s"}
        return spantoll(receivers={"kafka": receiver}, processors={}, exporters=enforcer(quick_redis))
    return start


@pytest.mark.core
def test_spans_that_pass_the_front_and_kafka_count_once(front, behind, quick_redis, kafka):
    redis, topic = quick_redis.client, kafka.topic(partitions=1)
    first = front(kafka={"brokers": [kafka.address], "topic": topic})
    assert first.export(dollars(10)).ok
    eventually(lambda: redis.get(KEY) == "10", 15, "published by the front")
    assert redis.get(OWNER) == "inline" and 50 < redis.ttl(OWNER) <= 60
    second = behind(kafka.address, topic)
    second.wait_log(rf"the sums in redis belong to inline \(spantoll:owner\), and kafka:{GROUP}:{topic} would count the same "
                    "spans twice: nothing is published")
    second.wait_metric("spantoll_enforcer_passed_over_usd", 10)
    assert "belong to inline" in str(second.status()) and disowned(second) == 1 and disowned(first) == 0
    # People hand over: the front falls silent, and what comes from then on is counted behind Kafka.
    redis.set(OWNER, f"kafka:{GROUP}:{topic}", ex=60)
    first.wait_log(f"the sums in redis belong to kafka:{GROUP}:{topic}")
    second.wait_log("the sums in redis are ours to publish again")
    assert first.export(dollars(5)).ok
    eventually(lambda: redis.get(KEY) == "15", 15, "published behind Kafka")
    first.wait_metric("spantoll_enforcer_passed_over_usd", 5)
    assert redis.get(KEY) == "15"
    assert "belong to" not in str(second.status())
    assert {k.split(":i:")[0] for k in redis.keys("{cost:rolling:*}:i:*")} == {"{" + KEY + "}"}
    assert len(redis.keys("{cost:rolling:*}:i:*")) == 2


def test_an_owner_that_is_gone_makes_room(front, quick_redis):
    redis = quick_redis.client
    redis.set(OWNER, "kafka:g:t", ex=60)
    daemon = front()
    assert daemon.export(dollars(3)).ok
    daemon.wait_metric("spantoll_enforcer_passed_over_usd", 3)
    assert redis.get(KEY) is None and redis.get(OWNER) == "kafka:g:t" and redis.ttl(OWNER) <= 60
    assert daemon.metric("spantoll_enforcer_waiting_usd") == 0
    assert daemon.metric("cost_per_service", service="checkout") == 3
    redis.pexpire(OWNER, 1)
    daemon.wait_metric("spantoll_enforcer_disowned", 0)
    assert daemon.export(dollars(4)).ok
    eventually(lambda: redis.get(KEY) == "4", 15, "what comes from then on is counted, once")
    assert redis.get(OWNER) == "inline"


def test_an_owner_that_cannot_be_read_is_waited_for(front, quick_redis):
    redis = quick_redis.client
    redis.lpush(OWNER, "x")
    daemon = front()
    assert daemon.export(dollars(3)).ok
    daemon.wait_log("redis refuses totals: WRONGTYPE")
    assert redis.get(KEY) is None and daemon.metric("spantoll_enforcer_passed_over_usd") == 0
    redis.delete(OWNER)
    eventually(lambda: redis.get(KEY) == "3", 15, "nothing is lost")


def test_a_reload_that_moves_budgets_behind_kafka_waits_for_the_owner(front, quick_redis):
    redis, nobody = quick_redis.client, f"127.0.0.1:{free_port()}"
    daemon = front()
    assert daemon.export(dollars(3)).ok
    eventually(lambda: redis.get(KEY) == "3", 15, "published")
    daemon.reload(receivers={"kafka": {"brokers": [nobody], "topic": "t"}}, processors={}, exporters=enforcer(quick_redis))
    daemon.wait_log(f"belong to inline .*, and kafka:{GROUP}:t would count")
    redis.delete(OWNER)
    eventually(lambda: redis.get(OWNER) == f"kafka:{GROUP}:t", 15, "taken over")
    assert redis.get(KEY) == "3"
