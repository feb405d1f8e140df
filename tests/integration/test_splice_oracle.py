# SPDX-License-Identifier: Apache-2.0
"""Spliced output parses equal to decode-modify-encode in Google's protobuf, for random requests."""
import os
import random
import struct
import subprocess
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from env.random_otlp import RECORDED, parse_otlp_json, request

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
        assert self.process.wait(timeout=120) == 0


@pytest.fixture(scope="module")
def splice():
    tool = Splicer()
    yield tool
    tool.close()


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
