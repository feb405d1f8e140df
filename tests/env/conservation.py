# SPDX-License-Identifier: Apache-2.0
"""What a sender's ledger says must be found elsewhere: every acknowledged span on Kafka, every dollar in Redis, nothing
twice. What nobody heard of may be there, once."""
import json
import time
from collections import Counter
from decimal import Decimal

from env.money import NANO
from env.poll import PATIENCE, eventually


class Repeats:
    """Messages by their names (node, epoch, seq); those that came again are counted, and must be the same."""

    def __init__(self, messages):
        self.first, self.repeated = {}, 0
        for m in messages:
            name = m.headers["node"], m.headers["epoch"], m.headers["seq"]
            if self.first.setdefault(name, m.value) is not m.value:
                assert self.first[name] == m.value, f"{name} is two messages"
                self.repeated += 1

    def span_ids(self):
        """Of flat records."""
        return Counter(bytes.fromhex(r["span_id"]) for r in self._records())

    def spent(self):
        """{service: dollars}, exact; and how many spans have no price."""
        dollars, unpriced = Counter(), 0
        for r in self._records():
            dollars[r["service"]] += r["cost_amount"]
            unpriced += "cost_error" in r
        return dollars, unpriced

    def _records(self):
        return (json.loads(value, parse_float=Decimal, parse_int=Decimal) for value in self.first.values())


def on_kafka(broker, topic, sender, timeout=60):
    """Every acknowledged span is there, and once when repeats are removed; what was repeated: a Repeats."""
    acknowledged, unknown = sender.acknowledged, sender.unknown
    eventually(lambda: broker.count(topic) >= len(acknowledged), timeout, f"{len(acknowledged)} spans on Kafka")
    deadline = time.monotonic() + timeout * PATIENCE
    while True:
        found = Repeats(broker.read(topic, timeout=timeout))
        ids = found.span_ids()
        missing = acknowledged - ids.keys()
        if not missing or time.monotonic() > deadline:
            break
        time.sleep(0.2)
    assert not missing, f"{len(missing)} of {len(acknowledged)} acknowledged spans are not on Kafka"
    twice = [i.hex() for i, n in ids.items() if n > 1]
    assert not twice, f"{len(twice)} spans came twice under different names: {twice[:3]}"
    strange = ids.keys() - acknowledged - unknown
    assert not strange, f"{len(strange)} spans that nobody sent"
    return found


def in_redis(redis, spent, unknown=None, timeout=10):
    """Totals are what was spent ({service: dollars}), to the nanodollar, or up to what may have been counted besides."""
    def found():
        return {service: Decimal(redis.get(f"cost:rolling:{service}:24h") or 0) for service in spent}

    def wrong():
        return {service: f"{has}, not {want}" for (service, has), want in zip(found().items(), spent.values())
                if not want - NANO < has < want + (unknown or {}).get(service, 0) + NANO}

    try:
        eventually(lambda: not wrong(), timeout)
    except AssertionError:
        raise AssertionError(f"totals in Redis: {wrong()}") from None
