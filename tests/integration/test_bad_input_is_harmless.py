# SPDX-License-Identifier: Apache-2.0
"""Whatever a client sends: a clear status, or the span flows on with cost.error; memory stays bounded, the process
lives and serves the next request."""
import json
import os
import random
import struct
import zlib

import grpc
import pytest

from env import http2, otlp
from env.poll import eventually

pytestmark = pytest.mark.core

Code = grpc.StatusCode
MIB = 1 << 20
EXTRA = 20 * MIB


def reset_peak(daemon):
    """Memory now; the peak counts from here."""
    with open(f"/proc/{daemon.child.pid}/clear_refs", "w") as f:
        f.write("5")
    return peak(daemon)


def peak(daemon):
    with open(f"/proc/{daemon.child.pid}/status") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith("VmHWM"))


def sanitized():
    return "asan" in os.environ.get("SPANTOLL", "") or "tsan" in os.environ.get("SPANTOLL", "")


@pytest.fixture
def bounded(spantoll, prices, tmp_path):
    """A daemon that prices to a file; afterwards it lives, serves, and had not grown."""
    out = tmp_path / "spans.jsonl"
    daemon = spantoll(processors={"pricing": {"file": prices({"shop:GET /": "0.001"})}, "cost": {}},
                      exporters={"file": {"path": str(out), "encoding": "json"}})
    for _ in range(20):  # buffers and threads that every busy daemon has
        assert daemon.export(otlp.many("shop", 1000)).ok
        assert daemon.export(otlp.many("shop", 1000), gzip=True).ok
    daemon.out, daemon.sent = out, 40_000
    before = reset_peak(daemon)
    yield daemon
    assert daemon.running()
    print(f"peak: {(peak(daemon) - before) / MIB:.1f} MiB more")
    if not sanitized():
        grown = peak(daemon) - before
        assert grown <= EXTRA, f"{grown / MIB:.1f} MiB more"
    assert daemon.export(otlp.many("shop", 3)).ok


def varint(n):
    out = b""
    while n >= 0x80:
        out += bytes([n & 0x7f | 0x80])
        n >>= 7
    return out + bytes([n])


def field(number, body):
    return varint(number << 3 | 2) + varint(len(body)) + body


def nested(depth, tag):
    """An AnyValue in an AnyValue in ...: arrays (5) or maps (6)."""
    value = field(1, b"deep")
    for _ in range(depth):
        value = field(5, field(1, value)) if tag == 5 else field(6, field(1, field(1, b"k") + field(2, value)))
    return value


def request_with(attribute_value):
    span = otlp.span().SerializeToString() + field(9, field(1, b"a") + field(2, attribute_value))
    return field(1, field(2, field(2, span)))


@pytest.mark.parametrize("tag", [5, 6], ids=["arrays", "maps"])
def test_deep_nesting(bounded, tag):
    body = request_with(nested(10_000, tag))
    for _ in range(20):
        answer = bounded.export(body)
        assert answer.code == Code.INVALID_ARGUMENT or answer.rejected == 1
        assert answer.reason
    assert bounded.export(request_with(nested(20, tag))).ok


def test_millions_of_empty_messages(bounded):
    for unit in [b"\x0a\x00", field(1, b"\x12\x00"), field(1, b"\x12\x02\x12\x00"), field(1, field(1, b"\x0a\x00"))]:
        body = unit * (4 * MIB // len(unit) - 1)
        for compressed in False, True:
            answer = bounded.export(body, gzip=compressed)
            assert answer.code in (Code.INVALID_ARGUMENT, Code.RESOURCE_EXHAUSTED) or answer.rejected
            assert answer.reason


def test_truncated_and_random_bytes(bounded):
    rng = random.Random(1)
    body = otlp.many("shop", 20, attrs={"a": [1, "x", {"b": 2.5}]}).SerializeToString()
    answers = [bounded.client.start(body[:rng.randrange(len(body))]) for _ in range(300)]
    for _ in range(300):
        changed = bytearray(body)
        for _ in range(rng.randrange(1, 20)):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
        answers.append(bounded.client.start(bytes(changed)))
    answers += [bounded.client.start(rng.randbytes(rng.randrange(2000))) for _ in range(300)]
    for wait in answers:
        answer = wait()
        assert answer.ok or (answer.code == Code.INVALID_ARGUMENT and answer.message)


def zeros_gzipped(size):
    z = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = bytes(MIB)
    return b"".join(z.compress(block) for _ in range(size // MIB)) + z.flush()


def test_gzip_bombs(bounded):
    """1 MB that would be 1 GiB, several at once; and small ones that lie about their size."""
    bomb = zeros_gzipped(1024 * MIB)
    assert len(bomb) < 1.1 * MIB
    lying = zeros_gzipped(64 * MIB)[:-4] + struct.pack("<I", 100)
    held = []
    for body in [bomb] * 5 + [lying] * 20:
        held.append(http2.Connection(bounded.grpc_port))
        held[-1].headers(encoding="gzip")
        held[-1].message(body, flag=1)
    assert [c.status() for c in held] == ["8"] * 25
    for c in held:
        c.close()


def poisoned():
    now = 1_800_000_000_000_000_000
    return {
        "end before start": otlp.span(end_ns=now, duration_ms=-5),
        "300 days": otlp.span(end_ns=now, duration_ms=300 * 86_400_000),
        "NaN from the client": otlp.span(attrs={"cost.amount": float("nan")}),
        "infinite": otlp.span(attrs={"cost.amount": float("inf"), "cost.currency": "USD"}),
        "negative": otlp.span(attrs={"cost.amount": -1e9}),
        "huge": otlp.span(attrs={"cost.amount": 1e308}),
        "text": otlp.span(attrs={"cost.amount": "1; DROP TABLE"}),
        "times at the end of time": otlp.span(end_ns=2**64 - 1, duration_ms=1),
    }


def test_poison_flows_on_and_is_in_no_total(bounded):
    spans = poisoned()
    before = bounded.metric("cost_total_usd")
    assert bounded.export(otlp.request({"shop": list(spans.values())})).ok

    def lines():
        found = [json.loads(line) for line in bounded.out.read_text().splitlines()[bounded.sent:]]
        return found if len(found) >= len(spans) else None

    by_id = {line["span_id"]: line for line in eventually(lines, what="every span is in the file")}
    for name, span in spans.items():
        line = by_id[span.span_id.hex()]
        if name in ("end before start", "300 days"):
            assert line["cost_error"].startswith("invalid "), name
            assert line["cost_amount"] == 0
        else:
            assert 0 <= line["cost_amount"] < 1, name
    assert bounded.metric("cost_total_usd") - before < 0.1


def test_half_messages_on_many_connections(bounded):
    """Each announces 4 MiB, sends as much as the server lets it, and stays."""
    held = []
    for _ in range(100):
        held.append(http2.Connection(bounded.grpc_port))
        held[-1].headers()
        held[-1].data(b"\0" + struct.pack(">I", 4 * MIB - 1) + bytes(65_000), end=False)
    assert bounded.export(otlp.many("shop", 1)).ok
    for c in held:
        c.close()
