# SPDX-License-Identifier: Apache-2.0
"""The whole job in a test: one daemon that prices spans for Kafka and Redis, and a check of both ends."""
from decimal import Decimal

from env.money import same_nanodollars, span_cost
from env.poll import eventually

TOPIC = "otel-cost-spans"


def whole_job(spantoll, kafka, redis_server, price_file, **more):
    """A daemon that does what examples/production.yaml does. The topic is everybody's: use services of your own."""
    kafka.ensure_topic(TOPIC)
    return spantoll(
        processors={"hash_path": {}, "pricing": {"file": price_file}, "cost": {}},
        exporters={
            "kafka": {"brokers": [kafka.address], "topic": TOPIC, "encoding": "json"},
            "enforcer": {"store": "redis", "redis": {"endpoints": [redis_server.address]},
                         "flush_interval": "200ms"}},
        **more)


def read_service(kafka, service, count, timeout=30):
    """The records of one service, when there are count of them; fails when there are more."""
    def found():
        mine = [m for m in kafka.read(TOPIC) if m.key == service]
        return mine if len(mine) >= count else None
    mine = eventually(found, timeout, f"{count} messages with key {service}", every=0.3)
    assert len(mine) == count
    return [m.exact for m in mine]


def check_record(record, service, operation, price, start_ns, end_ns):
    """One flat record against what was sent."""
    assert record["service"] == service and record["operation"] == operation
    amount = span_cost(price, end_ns - start_ns)
    assert Decimal(record["cost_amount"]) == amount
    assert isinstance(record["timestamp"], int) and 10**12 < record["timestamp"] < 10**13
    assert record["timestamp"] == end_ns // 1_000_000
    assert "cost_error" not in record
    return amount


def check_total(redis_server, service, total, timeout=20):
    """Redis holds the total to the nanodollar."""
    key = f"cost:rolling:{service}:24h"
    eventually(lambda: same_nanodollars(redis_server.client.get(key), total), timeout,
               f"{key} is {total}")
