# SPDX-License-Identifier: Apache-2.0
"""Spliced output parses equal to decode-modify-encode in Google's protobuf, for random requests."""
import base64
import json
import os
import random
import struct
import subprocess
from pathlib import Path

import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

TOOL = Path(os.environ.get("SPANTOLL_TOOLS", "build/release/tools")) / "splice"
APPEND_COST, REPLACE_PATH, DELETE_FIRST, DROP_THIRD, RESOURCE, CLONE, JSON = 1, 2, 4, 8, 16, 32, 64
ROUNDS = int(os.environ.get("SPANTOLL_ORACLE_ROUNDS", "1500"))


class Splicer:
    def __init__(self):
        self.process = subprocess.Popen([TOOL], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def frame(self):
        err, kept, size = struct.unpack("<iII", self.process.stdout.read(12))
        return err, kept, self.process.stdout.read(size)

    def __call__(self, wire, edits=0, first=0, count=0xFFFFFFFF):
        self.process.stdin.write(struct.pack("<IBII", len(wire), edits, first, count) + wire)
        self.process.stdin.flush()
        return self.frame()

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(timeout=10) == 0


@pytest.fixture(scope="module")
def splice():
    tool = Splicer()
    yield tool
    tool.close()


def any_value(r, depth=0):
    kind = r.randrange(8 if depth < 4 else 5)
    value = AnyValue()
    if kind == 0:
        value.string_value = r.choice(["", "x", "grüße", "a" * r.randrange(300), '"\\\n\t\x01', "💰"])
    elif kind == 1:
        value.int_value = r.choice([0, 1, -1, 2**63 - 1, -(2**63), r.randrange(10**6)])
    elif kind == 2:
        value.double_value = r.choice([0.0, 1.5, -2.25, 4e-7, 1e300, r.random()])
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


def edit_span(span, edits):
    first = 1 if edits & DELETE_FIRST else 0
    if edits & APPEND_COST:
        span.attributes.append(KeyValue(key="cost.amount", value=AnyValue(double_value=0.125)))
        span.attributes.append(KeyValue(key="cost.currency", value=AnyValue(string_value="USD")))
    if edits & REPLACE_PATH:
        for a in span.attributes:
            if a.key == "url.path":
                a.value.CopyFrom(AnyValue(string_value="/x/*"))
    if first and span.attributes:
        del span.attributes[0]


def select(req, keep):
    """Only the spans for which keep(index) holds; wrappers that lose all their spans go too."""
    index = 0
    for rs in req.resource_spans:
        for ss in rs.scope_spans:
            kept = []
            for span in ss.spans:
                if keep(index):
                    kept.append(span)
                index += 1
            ss.ClearField("spans")
            ss.spans.extend(kept)


def prune(req, had):
    """Drops wrappers that kept no span, unless they arrived empty and the whole batch is asked for."""
    for r, rs in reversed(list(enumerate(req.resource_spans))):
        for s, ss in reversed(list(enumerate(rs.scope_spans))):
            if not ss.spans and not had(r, s):
                del rs.scope_spans[s]
        if not any(ss.spans for ss in rs.scope_spans) and not had(r, None):
            del req.resource_spans[r]


def expected(req, edits, first=0, count=None):
    want = ExportTraceServiceRequest()
    want.CopyFrom(req)
    total = sum(len(ss.spans) for rs in req.resource_spans for ss in rs.scope_spans)
    whole = count is None
    end = total if count is None else first + count

    def empty(r, s):
        scopes = req.resource_spans[r].scope_spans
        return whole and not (scopes[s].spans if s is not None else any(ss.spans for ss in scopes))

    for rs in want.resource_spans:
        if edits & RESOURCE:
            rs.resource.attributes.append(KeyValue(key="edited", value=AnyValue(int_value=7)))
        for ss in rs.scope_spans:
            if edits & RESOURCE:
                ss.scope.attributes.append(KeyValue(key="edited", value=AnyValue(bool_value=True)))
            for span in ss.spans:
                edit_span(span, edits)
    select(want, lambda i: first <= i < end and not (edits & DROP_THIRD and i % 3 == 2))
    prune(want, empty)
    return want


def parse(wire):
    return ExportTraceServiceRequest.FromString(wire)


def parse_otlp_json(text):
    """OTLP/JSON writes ids as hex where proto3 JSON has base64."""

    def fix(node):
        if isinstance(node, list):
            return [fix(n) for n in node]
        if isinstance(node, dict):
            return {
                k: base64.b64encode(bytes.fromhex(v)).decode()
                if k in ("traceId", "spanId", "parentSpanId") else fix(v)
                for k, v in node.items()
            }
        return node

    return json_format.ParseDict(fix(json.loads(text)), ExportTraceServiceRequest())


def test_random_requests_agree_with_protobuf(splice):
    for seed in range(ROUNDS):
        r = random.Random(seed)
        req = request(r)
        edits = r.randrange(32)
        err, _, out = splice(req.SerializeToString(), edits)
        assert err == 0, seed
        assert parse(out) == expected(req, edits), seed


def test_random_selections_agree_with_protobuf(splice):
    for seed in range(ROUNDS // 3):
        r = random.Random(seed)
        req = request(r)
        total = sum(len(ss.spans) for rs in req.resource_spans for ss in rs.scope_spans)
        first = r.randrange(total) if total else 0
        count = r.randrange(1, total - first + 1) if total else 0
        edits = r.randrange(32)
        err, _, out = splice(req.SerializeToString(), edits, first, count)
        assert err == 0 and parse(out) == expected(req, edits, first, count), seed


def test_a_clone_leaves_its_original_alone(splice):
    for seed in range(ROUNDS // 5):
        r = random.Random(seed)
        req = request(r)
        edits = r.randrange(32)
        err, _, out = splice(req.SerializeToString(), edits | CLONE)
        assert err == 0 and parse(out) == expected(req, edits), seed
        err, _, untouched = splice.frame()
        assert err == 0 and parse(untouched) == req, seed


def test_json_agrees_with_protobuf(splice):
    for seed in range(ROUNDS // 3):
        r = random.Random(seed)
        req = request(r)
        edits = r.randrange(32)
        err, _, out = splice(req.SerializeToString(), edits | JSON)
        assert err == 0 and parse_otlp_json(out) == expected(req, edits), seed


RECORDED = sorted(Path("tests/golden").glob("sdk-*.otlp"))


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda p: p.stem)
def test_what_real_sdks_send_agrees_with_protobuf(splice, recorded):
    wire = recorded.read_bytes()
    req = parse(wire)
    assert splice(wire) == (0, 10, wire)
    for edits in range(32):
        err, _, out = splice(wire, edits)
        assert err == 0 and parse(out) == expected(req, edits), edits
        err, _, out = splice(wire, edits | JSON)
        assert err == 0 and parse_otlp_json(out) == expected(req, edits), edits


def test_there_are_recorded_requests():
    assert len(RECORDED) == 3


def test_what_protobuf_refuses_in_the_envelope_is_refused(splice):
    """A truncated request never passes; a flipped byte passes only if what comes out parses."""
    for seed in range(ROUNDS // 3):
        r = random.Random(seed)
        wire = request(r).SerializeToString()
        if not wire:
            continue
        cut = wire[: r.randrange(len(wire))]
        err, _, out = splice(cut)
        if err == 0:
            parse(out)
        flipped = bytearray(wire)
        flipped[r.randrange(len(wire))] ^= 1 << r.randrange(8)
        err, _, out = splice(bytes(flipped), APPEND_COST | REPLACE_PATH)
        assert err in (0, -6), seed
