# SPDX-License-Identifier: Apache-2.0
"""Spans that the OpenTelemetry SDK for Node sends arrive priced: one by one on Kafka, as a total in Redis."""
import os
import subprocess
import uuid

import pytest

from env import cost_path
from env.daemon import ROOT

pytestmark = pytest.mark.core
PRICE = "0.00000000125"
DURATION_MS = 37


def test_every_span_has_its_price_and_redis_their_sum(spantoll, kafka, redis_server, prices):
    service = f"cart-{uuid.uuid4().hex[:8]}"
    file = prices({f"{service}:/carts/*": PRICE})
    daemon = cost_path.whole_job(spantoll, kafka, redis_server, file)
    done = subprocess.run(
        ["node", ROOT / "tests/env/node/send.js", daemon.grpc, service, "600", "GET", str(DURATION_MS),
         "url.path=/carts/f81d4fae-7dec-11d0-a765-00a0c91e6bf6"],
        capture_output=True, text=True, timeout=300, env={**os.environ, "NODE_PATH": str(ROOT / "build/node/node_modules")})
    assert done.returncode == 0, done.stderr
    sent = set(done.stdout.split())
    records = cost_path.read_service(kafka, service, len(sent))
    assert {r["trace_id"] for r in records} == sent
    end = records[0]["timestamp"] * 1_000_000  # the SDK was given whole milliseconds
    total = sum(cost_path.check_record(r, service, "/carts/*", PRICE, end - DURATION_MS * 1_000_000, end)
                for r in records)
    cost_path.check_total(redis_server, service, total)
