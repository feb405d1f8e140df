# SPDX-License-Identifier: Apache-2.0
"""OTLP/JSON becomes the request that Google's protobuf reads out of it, however it is written."""
import base64
import copy
import json
import os
import random
import struct
import subprocess
from pathlib import Path

import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from env.random_otlp import IDS, RECORDED, otlp_json, request, with_ids

TOOL = Path(os.environ.get("SPANTOLL_TOOLS", "build/release/tools")) / "unjson"
ROUNDS = int(os.environ.get("SPANTOLL_ORACLE_ROUNDS", "1500"))
EINVALID = -6


class Unjson:
    def __init__(self):
        self.process = subprocess.Popen([TOOL], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __call__(self, text):
        raw = text if isinstance(text, bytes) else text.encode()
        self.process.stdin.write(struct.pack("<I", len(raw)) + raw)
        self.process.stdin.flush()
        err, size = struct.unpack("<iI", self.process.stdout.read(8))
        return err, self.process.stdout.read(size)

    def parse(self, text):
        err, out = self(text)
        assert err == 0, out
        return ExportTraceServiceRequest.FromString(out)

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(timeout=120) == 0


@pytest.fixture(scope="module")
def unjson():
    tool = Unjson()
    yield tool
    tool.close()


def restyle(r, node, key=None):
    """The same document in another of the ways that mean the same."""
    if isinstance(node, list):
        return [restyle(r, n) for n in node]
    if isinstance(node, dict):
        items = [(k, restyle(r, v, k)) for k, v in node.items()]
        r.shuffle(items)
        if r.random() < 0.2:
            items.insert(r.randrange(len(items) + 1), ("unknown", r.choice([None, 1, [[{}], "x"], {"name": [1.5]}])))
        if r.random() < 0.2 and not set(node) & {"name", "events"}:
            items.insert(0, (r.choice(["name", "events"]), None))
        return dict(items)
    if key in IDS:
        return r.choice([node, node.upper()])
    if key in ("bytesValue", "bytes_value"):
        return r.choice([node, node.rstrip("="), node.replace("+", "-").replace("/", "_")])
    if key in ("stringValue", "string_value", "key", "name", "message", "traceState", "trace_state", "version"):
        return node
    if isinstance(node, str) and node.lstrip("-").isdigit():
        return r.choice([node, int(node)])
    if isinstance(node, int) and not isinstance(node, bool):
        return r.choice([node, str(node)])
    return node


def write(r, document):
    return json.dumps(document, ensure_ascii=r.random() < 0.5, indent=r.choice([None, None, 1]),
                      separators=r.choice([None, (",", ":")]))


def test_random_requests_agree_with_protobuf(unjson):
    for seed in range(ROUNDS // 2):
        r = random.Random(seed)
        req = request(r)
        options = {"preserving_proto_field_name": seed % 4 == 0, "always_print_fields_with_no_presence": seed % 3 == 0}
        assert unjson.parse(write(r, restyle(r, otlp_json(req, **options)))) == req, seed


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda p: p.stem)
def test_what_real_sdks_send_agrees_with_protobuf(unjson, recorded):
    req = ExportTraceServiceRequest.FromString(recorded.read_bytes())
    err, out = unjson(json.dumps(otlp_json(req)))
    assert err == 0 and ExportTraceServiceRequest.FromString(out) == req


def places(node, found):
    for k, v in node.items() if isinstance(node, dict) else enumerate(node):
        found.append((node, k))
        if isinstance(v, (dict, list)):
            places(v, found)
    return found


STRANGE = [None, True, 0, -1, 1.0, 1.5, 2**31, 2**32, 2**63, 2**64, -(2**63), -(2**63) - 1, 1e308, "", "0", "-1", "1.5",
           "NaN", "x", "é", "SPAN_KIND_CLIENT", [], {}, [{}], [""], {"values": []}, {"stringValue": "x"}, "0A", "AAAA"]


def google(document):
    """None: refused."""
    def bytes_of(v):
        return base64.b64encode(bytes.fromhex(v)).decode() if isinstance(v, str) else v
    try:
        return json_format.ParseDict(with_ids(document, bytes_of), ExportTraceServiceRequest(),
                                     ignore_unknown_fields=True)
    except (json_format.ParseError, ValueError):
        return None


def test_documents_with_a_strange_value_are_taken_or_refused_as_by_protobuf(unjson):
    """But: null in an array is an empty element here, as in the Collector; what is no base64 is refused,
    where Python drops what it does not know, and so is a text or an array where a message belongs; and
    a value that no enum can have is refused, as by the Collector."""
    taken = refused = 0
    for seed in range(ROUNDS // 2):
        r = random.Random(seed)
        document = otlp_json(request(r))
        spots = places(document, [])
        if not spots:
            continue
        node, k = r.choice(spots)
        was, node[k] = node[k], copy.deepcopy(r.choice(STRANGE))
        if (isinstance(node, list) and node[k] is None) or k == "bytesValue":
            continue
        if k in ("kind", "code") and (isinstance(node[k], str) or type(node[k]) is int and abs(node[k]) >= 2**31):
            continue
        want = None if isinstance(was, dict) and isinstance(node[k], (list, str)) else google(document)
        err, out = unjson(json.dumps(document))
        if want is None:
            assert err == EINVALID, (seed, k, node[k])
            refused += 1
        else:
            assert err == 0, (seed, k, node[k], out)
            assert ExportTraceServiceRequest.FromString(out).SerializeToString(deterministic=True) == \
                want.SerializeToString(deterministic=True), (seed, k, node[k])
            taken += 1
    assert min(taken, refused) > ROUNDS / 20


def test_cut_and_flipped_texts_are_harmless(unjson):
    """What is cut is refused; what is flipped is refused, or is a request for protobuf too."""
    for seed in range(ROUNDS // 3):
        r = random.Random(seed)
        text = json.dumps(otlp_json(request(r)), ensure_ascii=False).encode()
        err, why = unjson(text[: r.randrange(len(text))])
        assert err == EINVALID and b"at byte" in why, seed
        flipped = bytearray(text)
        flipped[r.randrange(len(text))] ^= 1 << r.randrange(8)
        err, out = unjson(bytes(flipped))
        if err == 0:
            ExportTraceServiceRequest.FromString(out)
        else:
            assert err == EINVALID, seed
