# SPDX-License-Identifier: Apache-2.0
"""spantoll budget simulate: recorded spans against another budget, by the enforcer's rules, in virtual time."""
import json
import random
import subprocess
from decimal import Decimal

import pytest

from env import otlp
from env.daemon import BINARY
from env.random_otlp import otlp_json

pytestmark = pytest.mark.core

START = 1763719260000  # a minute begins
MINUTE = 60_000


def simulate(*args, stdin=b""):
    return subprocess.run([BINARY, "budget", "simulate", *map(str, args)], input=stdin, capture_output=True, timeout=120)


def found(*args, stdin=b""):
    done = simulate("--json", *args, stdin=stdin)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout, parse_float=Decimal)


def record(service, usd, second, **more):
    """As the exporter kafka writes it with encoding: json; the amount keeps its digits."""
    text = json.dumps({"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "service": service, "operation": "/pay",
                       "cost_amount": 0, "timestamp": START + second * 1000 - 7, "received_ms": START + second * 1000, **more})
    return text.replace('"cost_amount": 0', f'"cost_amount": {usd}').encode() + b"\n"


def minutes(row):
    return [tuple((e[k] - START) // MINUTE for k in ("set_ms", "release_ms") if k in e) for e in row["throttled"]]


# What semantics promise of the rule: 600 at a limit of 500 trips at the third window; from 300 to 1000 at the sixth,
# and after fifteen windows at 1000 it is released at the tenth window at 100.
AT_ONCE = record("payment", 600, 5) + record("other", 0, 200)
STEP = record("payment", 300, 59) + record("payment", 700, 61) + record("payment", 100, 1019) + record("other", 0, 1700)


def test_the_reference_runs_of_the_rule():
    row, = [r for r in found(stdin=AT_ONCE)["rows"] if r["subject"] == "payment"]
    assert minutes(row) == [(3,)] and row["window"] == "24h" and row["limit_usd"] == 500
    answer = found("--limit", 500, "--window", "16m", "--match", "service=pay*", stdin=STEP)
    row, = answer["rows"]
    assert minutes(row) == [(7, 26)]
    assert (row["highest_usd"], row["spent_usd"], row["throttled_usd"]) == (1000, 1100, 100)
    assert row["throttled_ms"] == 19 * MINUTE
    assert row["throttled_share"] == pytest.approx(Decimal(19 * 60) / (29 * 60 - 59), abs=Decimal("0.0001"))
    assert answer["records"] == 4 and answer["services"] == 2


def test_for_people():
    text = simulate("--limit", 500, "--window", "16m", "-", stdin=STEP + b"hello\n" + record("a", 0, 1700, cost_error="x")).stdout.decode()
    assert "payment" in text and "$500.00/16m" in text and "$1000.00" in text
    assert "2025-11-21T10:08:00Z" in text and "2025-11-21T10:27:00Z" in text
    assert "1 of 2 would have gone over budget." in text
    assert "1 span had no price: not counted." in text
    assert "1 line could not be read; the first one, -:5: " in text
    changes = simulate("--changes", "--limit", 500, "--window", "16m", stdin=STEP).stdout.decode().splitlines()
    assert changes[0].startswith("2025-11-21T10:08:00Z  payment would be throttled: $1000.00 of $500.00/16m")
    assert len(changes) == 2 and "would be released" in changes[1]


def test_budgets_of_a_configuration_and_of_flags(tmp_path):
    config = tmp_path / "spantoll.yaml"
    config.write_text("""
receivers: {otlp: {protocols: {grpc: }}}
processors: {pricing: {file: %s}, cost: }
exporters:
  enforcer:
    redis: {endpoints: ["localhost:1"]}
    budgets: [{match: {service: "pay*"}, limit: 50, window: 1h, mode: shadow}]
  enforcer/strict: {store: memory, evaluation_window: 10s, budgets: [{limit: 1, window: 1h}]}
service: {pipelines: {traces: {receivers: [otlp], processors: [pricing, cost], exporters: [enforcer, enforcer/strict]}}}
""" % (tmp_path / "prices.json"))
    (tmp_path / "prices.json").write_text(json.dumps(
        {"shop:/pay": {"service": "shop", "operation": "/pay", "cost_per_ms": 2}}))
    row, = found("--config", config, stdin=AT_ONCE)["rows"]
    assert row["mode"] == "shadow" and row["limit_usd"] == 50 and minutes(row) == [(3,)]
    row, = [r for r in found("--config", config, "--enforcer", "enforcer/strict", stdin=AT_ONCE)["rows"] if r["spent_usd"]]
    assert row["throttled"] == [{"set_ms": START + 30_000}]
    row, = found("--config", config, "--budget", "{match: {service: payment}, limit: 20, window: 1h}", stdin=AT_ONCE)["rows"]
    assert row["limit_usd"] == 20
    # Requests are priced by the configuration: 300 spans of 1 ms at $2, in one minute; a line each, then protobuf.
    requests = [otlp.request({"shop": [otlp.span("x", 1, {"http.route": "/pay"}, end_ns=(START + 1000 + i) * 1_000_000)]})
                for i in range(300)]
    lines = b"".join(json.dumps(otlp_json(r)).encode() + b"\n" for r in requests)
    answer = found("--config", config, "--limit", 500, stdin=lines + record("late", 0, 300))
    row, = [r for r in answer["rows"] if r["subject"] == "shop"]
    assert row["spent_usd"] == 600 and minutes(row) == [(3,)] and answer["requests"] == 300
    whole = tmp_path / "request.pb"
    whole.write_bytes(requests[0].SerializeToString())
    printed = tmp_path / "request.json"
    printed.write_text(json.dumps(otlp_json(requests[1]), indent=2))
    assert found("--config", config, whole, printed)["spent_usd"] == 4


def test_budgets_about_other_dimensions_and_by_the_calendar():
    day = 24 * 3600
    lines = b"".join(record("shop", 60, day * d + 7200, tenant=t, team="red") for d in range(3) for t in ("acme", "beta"))
    rows = {r["subject"]: r for r in found("--match", "tenant=*", "--match", "service=shop", "--limit", 100, "--window", "48h",
                                           stdin=lines + record("shop", 500, 3 * day))["rows"]}
    assert set(rows) == {"tenant:acme:service:shop", "tenant:beta:service:shop"}  # "*" is not for what nobody claims
    acme = rows["tenant:acme:service:shop"]
    assert (acme["spent_usd"], acme["highest_usd"], acme["times"]) == (180, 120, 1)
    # A day of a calendar begins anew at midnight there.
    daily = found("--budget", "{name: daily, match: {tenant: acme}, limit: 50, period: day, timezone: Europe/Berlin}",
                  stdin=lines + record("x", 0, 3 * day))["rows"]
    assert [r["subject"] for r in daily] == ["tenant:acme"] and daily[0]["times"] == 3 and daily[0]["highest_usd"] == 60
    for episode in daily[0]["throttled"]:
        assert (episode["release_ms"] // 1000 + 3600) % day == 0  # +01:00 in November
    text = simulate("--match", "namespace=*", stdin=lines).stdout.decode()
    assert "No span says its namespace: budgets by it have seen nothing." in text


def test_order_matters_little():
    """Shuffled by less than an evaluation window: the same sums, nearly the same times; and it is said."""
    dice = random.Random(5)
    seconds = sorted(dice.uniform(0, 4 * 3600) for _ in range(20_000))
    lines = [record("payment", "0.1", int(s)) for s in seconds]
    sorted_rows = found("--limit", 400, "--window", "1h", stdin=b"".join(lines))
    shuffled = [line for _, line in sorted(zip((s + dice.uniform(0, 30) for s in seconds), lines), key=lambda p: p[0])]
    rows = found("--limit", 400, "--window", "1h", stdin=b"".join(shuffled))
    assert rows["late"] > 1000 and rows["late_ms"] <= 30_000 and sorted_rows["late"] == 0
    one, other = sorted_rows["rows"][0], rows["rows"][0]
    assert one["spent_usd"] == other["spent_usd"] == 2000 and len(one["throttled"]) == len(other["throttled"]) == 1
    assert abs(one["throttled"][0]["set_ms"] - other["throttled"][0]["set_ms"]) <= MINUTE


def test_memory_does_not_grow_with_the_recording(tmp_path):
    sizes = []
    for count in (10_000, 200_000):
        path = tmp_path / f"{count}.jsonl"
        step = 86_400 / count
        path.write_text("".join(
            f'{{"service":"svc-{i % 50}","cost_amount":0.01,"timestamp":{START + int(i * step * 1000)}}}\n' for i in range(count)))
        done = subprocess.run(["/usr/bin/env", "python3", "-c", (
            "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL);"
            "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"),
            BINARY, "budget", "simulate", "--limit", "1", path], capture_output=True, check=True)
        sizes.append(int(done.stdout))
    assert sizes[1] < sizes[0] * 1.2 + 2048, sizes


@pytest.mark.parametrize("args, stdin, status, said", [
    (["--limit", "many"], b"", 3, "limit"),
    (["--match", "servise=x"], b"", 3, "servise"),
    (["--budget", "{limitt: 5}"], b"", 3, "did you mean"),
    ([], b"", 1, "no priced spans in it"),
    ([], b"hello\n", 1, "-:1: "),
    (["/nowhere.jsonl"], b"", 1, "No such file"),
    (["--max-services", "0"], b"", 2, "--max-services"),
])
def test_what_cannot_be_simulated_is_said(args, stdin, status, said):
    done = simulate(*args, stdin=stdin)
    assert done.returncode == status and said in done.stderr.decode(), done.stderr
