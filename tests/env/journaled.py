# SPDX-License-Identifier: Apache-2.0
"""A daemon whose pipeline has a journal, as a test configures it: priced spans to Kafka, totals to Redis."""
from env.sender import PRICE_FILE


def journaled(directory, kafka, topic, prices, redis=None, receivers=None, **storage):
    """Arguments of spantoll(). storage: fields of file_storage. Small segments, so that a short test sees them come
    and go."""
    exporters = {"kafka": {"brokers": kafka.address.split(","), "topic": topic, "sending_queue": {"storage": "file_storage"}}}
    if redis:
        exporters["enforcer"] = {"redis": {"endpoints": [redis.address]}, "flush_interval": "200ms"}
    return {
        "receivers": receivers or {"otlp": {"protocols": {"http": None}}},
        "processors": {"pricing": {"file": prices(PRICE_FILE)}, "cost": {}},
        "exporters": exporters,
        "extensions": {"file_storage": {"directory": str(directory), "segment_size": "512KiB"} | storage}}


def files_bytes(directory):
    """On disk, holes not counted."""
    return sum(f.stat().st_blocks * 512 for f in directory.rglob("*") if f.is_file())
