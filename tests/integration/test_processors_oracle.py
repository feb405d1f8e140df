# SPDX-License-Identifier: Apache-2.0
"""What processors make of random requests equals decode, modify, encode in Google's protobuf."""
import base64
import decimal
import hashlib
import json
import math
import os
import random
import re
import struct
import subprocess
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

import test_splice_oracle as splice_oracle
from env.random_otlp import RECORDED, request

TOOL = Path(os.environ.get("SPANTOLL_TOOLS", "build/release/tools")) / "process"
ROUNDS = int(os.environ.get("SPANTOLL_ORACLE_ROUNDS", "1500"))
CONFIGS = 30
KEYS = ["url.path", "http.route", "k", "k" * 200, "feature", "tenant.id", "é", "new", "service.name"]
PATTERNS = ["^k", "e", r"\.", "é$", "^(?:feature|new)$", "nothing"]
EXTRACTS = ["^(?P<first>.)", r"(?P<k>\w+)(?P<rest>.*)", "(?P<tenant>x)?", r"(?P<number>\d+)"]


class Chain:
    """A process that runs requests through these processors."""

    def __init__(self, tmp_path, processors):
        config = tmp_path / "config.yaml"
        config.write_text(json.dumps({
            "receivers": {"in": {}}, "processors": processors, "exporters": {"out": {}},
            "service": {"pipelines": {"traces": {
                "receivers": ["in"], "processors": list(processors), "exporters": ["out"]}}}}))
        self.process = subprocess.Popen([TOOL, config], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __call__(self, wire):
        self.process.stdin.write(struct.pack("<I", len(wire)) + wire)
        self.process.stdin.flush()
        err, kept, size = struct.unpack("<iII", self.process.stdout.read(12))
        return err, kept, ExportTraceServiceRequest.FromString(self.process.stdout.read(size))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        assert self.process.wait(timeout=120) == 0


# ---- the actions, on protobuf's own objects --------------------------------------------------------


def find(attrs, key):
    return next((a for a in attrs if a.key == key), None)


def raw(value):
    any_value = AnyValue()
    if isinstance(value, bool):
        any_value.bool_value = value
    elif isinstance(value, int):
        any_value.int_value = value
    elif isinstance(value, float):
        any_value.double_value = value
    else:
        any_value.string_value = value
    return any_value


def put(attrs, key, value):
    a = find(attrs, key)
    if a is None:
        attrs.append(KeyValue(key=key, value=value))
    else:
        a.value.CopyFrom(value)


def hashed(value):
    kind = value.WhichOneof("value")
    data = {"string_value": lambda: value.string_value.encode(),
            "bool_value": lambda: bytes([value.bool_value]),
            "int_value": lambda: struct.pack("<q", value.int_value),
            "double_value": lambda: struct.pack("<d", value.double_value)}.get(kind, lambda: b"")()
    return AnyValue(string_value=hashlib.sha256(data).hexdigest() if data else "")


def go_double(v):
    if v == 0:
        return "0" if str(v) == "0.0" else "-0"
    if math.isinf(v):
        return "+Inf" if v > 0 else "-Inf"
    text = repr(v)
    if abs(v) < 1e-6 or abs(v) >= 1e21:
        digits, exponent = ("%e" % v if "e" not in text else text).split("e")
        digits = digits[:-2] if digits.endswith(".0") else digits
        return "%se%s%d" % (digits, "-" if int(exponent) < 0 else "+", abs(int(exponent)))
    text = repr(v)
    text = format(decimal.Decimal(text), "f") if "e" in text else text
    return text[:-2] if text.endswith(".0") else text


def as_text(value):
    kind = value.WhichOneof("value")
    if kind == "bool_value":
        return "true" if value.bool_value else "false"
    if kind == "int_value":
        return str(value.int_value)
    if kind == "double_value":
        return go_double(value.double_value)
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode()
    return value.string_value if kind == "string_value" else None


def converted(value, to):
    kind = value.WhichOneof("value")
    if to == "string":
        text = as_text(value)
        return value if text is None else AnyValue(string_value=text)
    number = None
    if kind in ("int_value", "bool_value", "double_value"):
        number = getattr(value, kind)
    elif kind == "string_value":
        try:
            number = (int if to == "int" else float)(value.string_value)
        except ValueError:
            pass
    if number is None or (to == "int" and not -(2**63) <= number < 2**63):
        return value
    return AnyValue(int_value=int(number)) if to == "int" else AnyValue(double_value=float(number))


def act(attrs, action):
    key, kind = action.get("key", ""), action["action"]
    there = find(attrs, key)
    if kind in ("insert", "update", "upsert"):
        source = find(attrs, action["from_attribute"]) if "from_attribute" in action else None
        value = AnyValue()
        if "value" in action:
            value = raw(action["value"])
        elif source is not None:
            value.CopyFrom(source.value)
        elif "default_value" in action:
            value = raw(action["default_value"])
        else:
            return
        if not (kind == "insert" and there is not None) and not (kind == "update" and there is None):
            put(attrs, key, value)
    elif kind in ("delete", "hash"):
        pattern = action.get("pattern")
        for a in [a for a in attrs if a.key == key or (pattern and re.search(pattern, a.key))]:
            if kind == "delete":
                attrs.remove(a)
            else:
                a.value.CopyFrom(hashed(a.value))
    elif kind == "extract" and there is not None and there.value.WhichOneof("value") == "string_value":
        m = re.search(action["pattern"], there.value.string_value, re.ASCII)
        for name in re.compile(action["pattern"]).groupindex if m else ():
            put(attrs, name, AnyValue(string_value=m[name] or ""))
    elif kind == "convert" and there is not None and there.value.WhichOneof("value"):
        value = AnyValue()
        value.CopyFrom(converted(there.value, action["converted_type"]))
        there.value.CopyFrom(value)


def random_action(r):
    key = r.choice(KEYS)
    kind = r.choice(["insert", "update", "upsert", "upsert", "delete", "hash", "extract", "convert"])
    action = {"key": key, "action": kind}
    if kind in ("insert", "update", "upsert"):
        if r.random() < 0.5:
            action["value"] = r.choice([True, False, 0, -5, 2**40, 1.5, -2e-9, "", "text", "7", "ü" * 100])
        else:
            action["from_attribute"] = r.choice(KEYS)
            if r.random() < 0.3:
                action["default_value"] = r.choice(["none", 0, False])
    elif kind in ("delete", "hash"):
        if r.random() < 0.6:
            action["pattern"] = r.choice(PATTERNS)
            if r.random() < 0.5:
                del action["key"]
    elif kind == "extract":
        action["pattern"] = r.choice(EXTRACTS)
    else:
        action["converted_type"] = r.choice(["int", "double", "string"])
    return action


def each_span(req):
    for rs in req.resource_spans:
        for ss in rs.scope_spans:
            for span in ss.spans:
                yield rs, ss, span


def test_random_actions_agree_with_protobuf(tmp_path):
    for number in range(CONFIGS):
        r = random.Random(number)
        chains = {"attributes": [random_action(r) for _ in range(r.randrange(1, 7))],
                  "resource": [random_action(r) for _ in range(r.randrange(1, 4))],
                  "attributes/2": [random_action(r) for _ in range(r.randrange(1, 4))]}
        config = {"attributes": {"actions": chains["attributes"]},
                  "resource": {"attributes": chains["resource"]},
                  "attributes/2": {"actions": chains["attributes/2"]}}
        with Chain(tmp_path, config) as chain:
            for i in range(ROUNDS // CONFIGS):
                req = request(random.Random(number * 1000 + i))
                err, _, got = chain(req.SerializeToString())
                for rs, _, span in each_span(req):
                    for action in chains["attributes"] + chains["attributes/2"]:
                        act(span.attributes, action)
                for rs in req.resource_spans:
                    before = rs.HasField("resource")
                    for action in chains["resource"]:
                        act(rs.resource.attributes, action)
                    if not before and not rs.resource.attributes:
                        rs.ClearField("resource")
                assert err == 0 and got == req, (number, i, config)


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda p: p.stem)
def test_what_real_sdks_send_is_changed_like_protobuf(recorded, tmp_path):
    actions = [{"key": "tenant.id", "value": "acme", "action": "insert"},
               {"pattern": r"^http\.", "action": "hash"}, {"key": "service.name", "action": "convert",
                                                           "converted_type": "string"}]
    wire = recorded.read_bytes()
    req = ExportTraceServiceRequest.FromString(wire)
    for _, _, span in each_span(req):
        for action in actions:
            act(span.attributes, action)
    with Chain(tmp_path, {"attributes": {"actions": actions}}) as chain:
        assert chain(wire) == (0, 10, req)


# ---- conditions: a random tree, as text and as a function of a span --------------------------------


def any_to_python(value):
    kind = value.WhichOneof("value")
    return getattr(value, kind) if kind in ("string_value", "int_value", "double_value", "bool_value") else \
        None if kind is None else value.SerializeToString()


def lookup(attrs, key):
    a = find(attrs, key)
    return None if a is None else any_to_python(a.value)


PATHS = {
    'attributes["k"]': lambda rs, ss, s: lookup(s.attributes, "k"),
    'attributes["feature"]': lambda rs, ss, s: lookup(s.attributes, "feature"),
    'span.attributes["url.path"]': lambda rs, ss, s: lookup(s.attributes, "url.path"),
    'resource.attributes["tenant.id"]': lambda rs, ss, s: lookup(rs.resource.attributes, "tenant.id"),
    'instrumentation_scope.attributes["k"]': lambda rs, ss, s: lookup(ss.scope.attributes, "k"),
    "name": lambda rs, ss, s: s.name,
    "kind": lambda rs, ss, s: s.kind,
    "kind.string": lambda rs, ss, s:
        ["Unspecified", "Internal", "Server", "Client", "Producer", "Consumer"][s.kind],
    "status.code": lambda rs, ss, s: s.status.code,
    "status.message": lambda rs, ss, s: s.status.message,
    "trace_state": lambda rs, ss, s: s.trace_state,
    "trace_id.string": lambda rs, ss, s: s.trace_id.hex(),
    "parent_span_id.string": lambda rs, ss, s: s.parent_span_id.hex(),
    "start_time_unix_nano": lambda rs, ss, s: s.start_time_unix_nano,
    "end_time_unix_nano": lambda rs, ss, s: s.end_time_unix_nano,
    "instrumentation_scope.name": lambda rs, ss, s: ss.scope.name,
    "instrumentation_scope.version": lambda rs, ss, s: ss.scope.version,
}
LITERALS = {'"x"': "x", '"GET /"': "GET /", '""': "", "0": 0, "2": 2, "-1": -1, "1.5": 1.5, "true": True,
            "false": False, "nil": None, "SPAN_KIND_CLIENT": 3, "STATUS_CODE_ERROR": 2, '"lib"': "lib"}


def ordered(a, b):
    """The order of two values, None where they have none."""
    if isinstance(a, (int, float)) and isinstance(b, (int, float)) and isinstance(a, bool) == isinstance(b, bool):
        if isinstance(a, float) != isinstance(b, float):
            a, b = float(a), float(b)
        return (a > b) - (a < b)
    if a is None and b is None:
        return 0
    if isinstance(a, str) and isinstance(b, str):
        a, b = a.encode(), b.encode()
        return (a > b) - (a < b)
    if isinstance(a, bytes) and isinstance(b, bytes):
        return 0 if a == b else None
    return None


OPS = {"==": lambda o: o == 0, "!=": lambda o: o != 0, "<": lambda o: o is not None and o < 0,
       "<=": lambda o: o is not None and o <= 0, ">": lambda o: o is not None and o > 0,
       ">=": lambda o: o is not None and o >= 0}


def random_value(r):
    if r.random() < 0.6:
        path = r.choice(list(PATHS))
        return path, PATHS[path]
    text = r.choice(list(LITERALS))
    return text, lambda *_: LITERALS[text]


def random_condition(r, depth=0):
    kind = r.randrange(6 if depth < 4 else 3)
    if kind < 2:
        (left, a), (right, b), op = random_value(r), random_value(r), r.choice(list(OPS))
        return f"{left} {op} {right}", lambda *span: OPS[op](ordered(a(*span), b(*span)))
    if kind == 2:
        (text, value), pattern = random_value(r), r.choice(["^G", "x", "^$", "1", "true"])

        def matches(*span):
            v = value(*span)
            v = {True: "true", False: "false"}[v] if isinstance(v, bool) else \
                go_double(v) if isinstance(v, float) else str(v) if isinstance(v, int) else v
            return isinstance(v, str) and re.search(pattern, v) is not None
        return f'IsMatch({text}, "{pattern}")', matches
    left, a = random_condition(r, depth + 1)
    right, b = random_condition(r, depth + 1)
    if kind == 3:
        return f"not ({left})", lambda *span: not a(*span)
    if kind == 4:
        return f"({left}) and ({right})", lambda *span: a(*span) and b(*span)
    return f"({left} or {right})", lambda *span: a(*span) or b(*span)


def test_random_conditions_agree_with_protobuf(tmp_path):
    dropped = kept_in_all = 0
    for number in range(CONFIGS):
        r = random.Random(number)
        conditions = [random_condition(r) for _ in range(r.randrange(1, 3))]
        config = {"filter": {"traces": {"span": [text for text, _ in conditions]}}}
        with Chain(tmp_path, config) as chain:
            for i in range(ROUNDS // CONFIGS):
                req = request(random.Random(number * 1000 + i))
                gone = [any(f(*at) for _, f in conditions) for at in each_span(req)]
                want = ExportTraceServiceRequest()
                want.CopyFrom(req)
                splice_oracle.select(want, lambda index: not gone[index])
                splice_oracle.prune(want, lambda r, s: not (
                    req.resource_spans[r].scope_spans[s].spans if s is not None
                    else any(ss.spans for ss in req.resource_spans[r].scope_spans)))
                err, kept, got = chain(req.SerializeToString())
                assert (err, kept) == (0, len(gone) - sum(gone)) and got == want, (number, i, config)
                dropped += sum(gone)
                kept_in_all += kept
    assert dropped > 100 and kept_in_all > 100


# ---- sampling: the specification's arithmetic in Python's integers and fractions -------------------

NEVER = 1 << 56


def threshold_of(probability, precision):
    if probability < 2**-56:
        return NEVER
    if probability >= 1:
        return 0
    widen = max(int(math.frexp(probability)[1] / -4), int(math.frexp(1 - probability)[1] / -4))
    digits = min(14, precision + widen)
    threshold = NEVER - math.floor(probability * 2**56 + 0.5)
    shift = 4 * (14 - digits)
    return (threshold + (1 << shift >> 1)) >> shift << shift


def fields_of(state):
    """(th, rv, what else is in ot, what others wrote); None: malformed."""
    th = rv = None
    ours, others = [], []
    for member in filter(None, (m.strip(" \t") for m in state.split(","))):
        key, equal, value = member.partition("=")
        if not equal or not re.fullmatch(r"[a-z][a-z0-9_*/-]*", key) or not re.fullmatch(r"[ -<>-~]*[!-<>-~]", value):
            return None
        if key != "ot":
            others.append(member)
            continue
        for field in value.split(";"):
            m = re.fullmatch(r"([a-z][a-z0-9]*):([a-zA-Z0-9._-]*)", field)
            if not m:
                return None
            if m[1] == "th":
                if not re.fullmatch(r"[0-9a-fA-F]{1,14}", m[2]):
                    return None
                th = int(m[2].ljust(14, "0"), 16)
            elif m[1] == "rv":
                if not re.fullmatch(r"[0-9a-fA-F]{14}", m[2]):
                    return None
                rv = int(m[2], 16)
            else:
                ours.append(field)
    return th, rv, ours, others


def sampled_state(span, mode, probability, precision, fail_closed):
    """The tracestate of a span that is kept; None: it is dropped."""
    random_bits = int.from_bytes(span.trace_id[9:], "big")
    fields = fields_of(span.trace_state)
    if fields is None:
        return None if fail_closed else span.trace_state
    th, rv, ours, others = fields
    bits = random_bits if rv is None else rv
    if th is not None and bits < th:
        if fail_closed:
            return None
        th, decided = None, 0
    elif mode == "equalizing":
        decided = threshold_of(probability, precision)
    else:
        decided = threshold_of(probability * ((NEVER - th) / 2**56 if th is not None else 1), precision)
    if bits < decided:
        return None
    th = max(th or 0, decided)
    text = ["rv:%014x" % rv] if rv is not None else []
    text.append("th:" + (("%014x" % th).rstrip("0") or "0"))
    return ",".join(["ot=" + ";".join(text + ours)] + others)


def random_state(r):
    ours = r.sample(["x:y", "th:" + r.choice(["8", "c", "0", "fe", "00000000000001", "g", ""]),
                     "rv:%014x" % r.randrange(NEVER), "rv:1"], r.randrange(4))
    members = [["ot=" + ";".join(ours)] if ours else [], r.choice([[], ["v=1"], ["a=b c"[:r.choice([3, 3, 5])]], ["=="]])]
    return r.choice([",", ", "]).join(m[0] for m in members if m)


def test_random_samples_agree_with_the_specification(tmp_path):
    kept_in_all = dropped = 0
    for number in range(CONFIGS):
        r = random.Random(number)
        mode, precision = r.choice(["proportional", "equalizing"]), r.randrange(1, 15)
        percentage, fail_closed = r.choice([100, 75, 50, 25, 12.5, 1, 0.1]), r.random() < 0.5
        config = {"probabilistic_sampler": {"mode": mode, "sampling_percentage": percentage,
                                            "sampling_precision": precision, "fail_closed": fail_closed},
                  "attributes": {"actions": [{"key": "k", "action": "upsert", "value": 1}]}}
        probability = struct.unpack("<f", struct.pack("<f", percentage))[0] / 100
        with Chain(tmp_path, config) as chain:
            for i in range(ROUNDS // CONFIGS):
                req = request(random.Random(number * 1000 + i))
                for _, _, span in each_span(req):
                    span.trace_id = r.randbytes(15) + b"\1"
                    span.trace_state = random_state(r)
                states = [sampled_state(s, mode, probability, precision, fail_closed) for _, _, s in each_span(req)]
                err, kept, got = chain(req.SerializeToString())
                assert err == 0
                assert [s.trace_state for _, _, s in each_span(got)] == [s for s in states if s is not None], (number, i)
                for (_, _, span), state in zip(list(each_span(req)), states, strict=True):
                    span.trace_state = state or ""
                    put(span.attributes, "k", AnyValue(int_value=1))
                want = ExportTraceServiceRequest()
                want.CopyFrom(req)
                splice_oracle.select(want, lambda index: states[index] is not None)
                assert [s for _, _, s in each_span(got)] == [s for _, _, s in each_span(want)], (number, i)
                dropped += states.count(None)
                kept_in_all += kept
    assert dropped > 100 and kept_in_all > 100


def test_two_processes_keep_the_same_traces(tmp_path):
    """And two samplers one after the other write one tracestate, in every mode that may follow another."""
    req = ExportTraceServiceRequest()
    r = random.Random(1)
    spans = req.resource_spans.add().scope_spans.add().spans
    for _ in range(2000):
        spans.add(trace_id=r.randbytes(16), span_id=b"12345678", name="x")
    for mode, low, high in [("hash_seed", 900, 1100), ("proportional", 900, 1100)]:
        config = {"probabilistic_sampler": {"mode": mode, "sampling_percentage": 50, "hash_seed": 5}}
        with Chain(tmp_path, config) as one:
            first = one(req.SerializeToString())
        with Chain(tmp_path, config) as other:
            assert other(req.SerializeToString()) == first
        assert low < first[1] < high
    config = {"probabilistic_sampler": {"sampling_percentage": 50}, "probabilistic_sampler/2": {"sampling_percentage": 50}}
    with Chain(tmp_path, config) as chain:
        _, kept, got = chain(req.SerializeToString())
    assert 400 < kept < 600
    assert {s.trace_state for _, _, s in each_span(got)} == {"ot=th:c"}
