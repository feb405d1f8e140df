# SPDX-License-Identifier: Apache-2.0
"""Random requests, the recorded ones, and Google's protobuf as the judge of OTLP/JSON."""
import base64
import json
import math
from pathlib import Path

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

RECORDED = sorted(Path("tests/golden").glob("sdk-*.otlp"))
IDS = ("traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id")


def any_value(r, depth=0):
    kind = r.randrange(8 if depth < 4 else 5)
    value = AnyValue()
    if kind == 0:
        value.string_value = r.choice(["", "x", "grüße", "a" * r.randrange(300), '"\\\n\t\x01', "💰"])
    elif kind == 1:
        value.int_value = r.choice([0, 1, -1, 2**63 - 1, -(2**63), r.randrange(10**6)])
    elif kind == 2:
        value.double_value = r.choice([0.0, 1.5, -2.25, 4e-7, 1e300, math.inf, -math.inf, r.random()])
    elif kind == 3:
        value.bool_value = r.random() < 0.5
    elif kind == 4:
        value.bytes_value = r.randbytes(r.randrange(20))
    elif kind == 5:
        value.array_value.values.extend(any_value(r, depth + 1) for _ in range(r.randrange(4)))
    elif kind == 6:
        value.kvlist_value.values.extend(attributes(r, depth + 1))
    return value


def attributes(r, depth=0):
    keys = ["url.path", "http.route", "k", "k" * 200, "feature", "tenant.id", "é"]
    return [KeyValue(key=k, value=any_value(r, depth)) for k in r.sample(keys, r.randrange(len(keys)))]


def fill_span(r, span):
    span.trace_id, span.span_id = r.randbytes(15) + b"\1", r.randbytes(7) + b"\1"
    span.name = r.choice(["", "GET /", "n" * 150])
    span.start_time_unix_nano = r.randrange(2**63)
    span.end_time_unix_nano = r.randrange(2**63)
    span.kind = r.randrange(6)
    span.attributes.extend(attributes(r))
    if r.random() < 0.5:
        span.parent_span_id = r.randbytes(8)
        span.trace_state = "ot=th:8,v=1"
        span.flags = r.randrange(2**32)
        span.status.code = r.randrange(3)
        span.status.message = "m"
    for _ in range(r.choice([0, 0, 1, 3])):
        event = span.events.add(time_unix_nano=r.randrange(2**63), name="e")
        event.attributes.extend(attributes(r, 2))
        link = span.links.add(trace_id=r.randbytes(16), span_id=r.randbytes(8))
        link.attributes.extend(attributes(r, 2))


def request(r):
    req = ExportTraceServiceRequest()
    for _ in range(r.randrange(4)):
        rs = req.resource_spans.add()
        if r.random() < 0.9:
            rs.resource.attributes.extend(attributes(r))
        if r.random() < 0.3:
            rs.schema_url = "https://opentelemetry.io/schemas/1.30.0"
        for _ in range(r.randrange(4)):
            ss = rs.scope_spans.add()
            if r.random() < 0.9:
                ss.scope.name, ss.scope.version = "lib", "1"
                ss.scope.attributes.extend(attributes(r))
            for _ in range(r.randrange(5)):
                fill_span(r, ss.spans.add())
            if r.random() < 0.3:
                ss.schema_url = "u" * r.choice([1, 200])
    return req


def with_ids(node, change):
    """OTLP/JSON writes ids as hex where proto3 JSON has base64: the one difference."""
    if isinstance(node, list):
        return [with_ids(n, change) for n in node]
    if isinstance(node, dict):
        return {k: change(v) if k in IDS else with_ids(v, change) for k, v in node.items()}
    return node


def parse_otlp_json(text):
    document = with_ids(json.loads(text), lambda v: base64.b64encode(bytes.fromhex(v)).decode())
    return json_format.ParseDict(document, ExportTraceServiceRequest())


def otlp_json(req, **options):
    """As Google's protobuf writes it, a document of dicts and lists."""
    document = json_format.MessageToDict(req, use_integers_for_enums=True, **options)
    return with_ids(document, lambda v: base64.b64decode(v).hex())
