# SPDX-License-Identifier: Apache-2.0
"""Spans that the OpenTelemetry SDK for Python sends arrive priced: one by one on Kafka, as a total in Redis."""
import time
import uuid

import pytest
from opentelemetry.trace import SpanKind

from env import cost_path

pytestmark = pytest.mark.core
PRICE = "0.000001234567"


@pytest.fixture
def service():
    return f"checkout-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def daemon(spantoll, kafka, redis_server, prices, service):
    file = prices({f"{service}:/orders/*": PRICE, f"{service}:/free": None})
    return cost_path.whole_job(spantoll, kafka, redis_server, file)


def send(tracer, path, duration_ns, count=1):
    """Spans with known times: {trace id: (start, end)}."""
    sent, end = {}, time.time_ns()
    for _ in range(count):
        span = tracer.start_span("GET", start_time=end - duration_ns, kind=SpanKind.SERVER,
                                 attributes={"http.request.method": "GET", "url.path": path})
        sent[f"{span.get_span_context().trace_id:032x}"] = (end - duration_ns, end)
        span.end(end_time=end)
    assert tracer.provider.force_flush()
    return sent


@pytest.mark.parametrize("gzip", [False, True], ids=["plain", "gzip"])
def test_every_span_has_its_price_and_redis_their_sum(daemon, tracer, kafka, redis_server, service, gzip):
    sent = send(tracer(daemon, service, gzip=gzip), "/orders/4711", duration_ns=12_345_678, count=250)
    records = cost_path.read_service(kafka, service, len(sent))
    assert {r["trace_id"] for r in records} == set(sent)
    total = sum(cost_path.check_record(r, service, "/orders/*", PRICE, *sent[r["trace_id"]]) for r in records)
    cost_path.check_total(redis_server, service, total)


def test_free_is_free_and_unknown_is_said(daemon, tracer, kafka, redis_server, service):
    trace = tracer(daemon, service)
    (free,) = send(trace, "/free", 1_000_000)
    (unknown,) = send(trace, "/nowhere", 1_000_000)
    paid = send(trace, "/orders/1", 2_000_000)
    records = {r["trace_id"]: r for r in cost_path.read_service(kafka, service, 3)}
    assert records[free]["cost_amount"] == 0 and "cost_error" not in records[free]
    assert records[unknown]["cost_error"] == f"no pricing data for {service}:/nowhere"
    assert records[unknown]["cost_amount"] == 0
    (trace_id, times), = paid.items()
    cost_path.check_total(redis_server, service,
                          cost_path.check_record(records[trace_id], service, "/orders/*", PRICE, *times))
