# SPDX-License-Identifier: Apache-2.0
"""Every cent can be explained: the rule, quantities x rates, the rounding, and what totals get."""
import json
import subprocess
from decimal import Decimal

import pytest

from env import otlp
from env.daemon import BINARY
from env.ports import free_port

pytestmark = pytest.mark.core

CONFIG = """
receivers: {{otlp: {{protocols: {{grpc: }}}}}}
processors: {{hash_path: , pricing: {{file: {prices}}}, cost: }}
exporters: {{debug: }}
service:
  pipelines:
    traces/plain: {{receivers: [otlp], processors: [hash_path], exporters: [debug]}}
    traces: {{receivers: [otlp], processors: [hash_path, pricing, cost], exporters: [debug]}}
"""


def explain(*args, stdin=b""):
    return subprocess.run([BINARY, "explain", *args], input=stdin, capture_output=True, timeout=60)


def request():
    spans = [otlp.span("GET", 0.123456, attrs={"url.path": "/cart/17"}),
             otlp.span("x", attrs={"http.route": "/none"})]
    return otlp.request({"shop": spans}).SerializeToString(), spans


@pytest.fixture
def config(tmp_path, prices):
    path = tmp_path / "spantoll.yaml"
    path.write_text(CONFIG.format(prices=prices({"shop:/cart/*": "0.0000125"})))
    return str(path)


def test_a_request_is_explained_by_the_pipeline_of_a_configuration(config):
    body, spans = request()
    done = explain("--config", config, "--json", "-", stdin=body)
    assert done.returncode == 0, done.stderr
    priced, unpriced = json.loads(done.stdout)["spans"]
    assert priced["span_id"] == spans[0].span_id.hex()
    assert (priced["state"], priced["operation"], priced["rule"]["id"]) == ("priced", "/cart/*", "shop:/cart/*")
    line, = priced["lines"]
    assert (line["meter"], line["quantity"]) == ("duration", "123456")
    exact = Decimal(line["usd"]) / line["per"] * Decimal(line["quantity"])
    assert exact.quantize(Decimal("1e-12")) == Decimal(priced["amount"]) == Decimal("0.0000015432") == Decimal(line["amount"])
    assert unpriced["state"] == "unpriced" and unpriced["error"] == "no pricing data for shop:/none"
    assert "amount" not in unpriced and "lines" not in unpriced


def test_for_people(config):
    body, _ = request()
    text = explain("--config", config, stdin=body).stdout.decode()
    assert "rule   shop:/cart/*  (class 1: service and operation, exactly)" in text
    assert "$0.0125 per 1s" in text and "cost  $0.0000015432" in text
    assert "no price: no pricing data for shop:/none" in text


def test_what_was_rounded_is_told(config, prices):
    prices({"shop:/cart/*": "0.00000000000125"})
    done = explain("--config", config, "--json", "-", stdin=request()[0])
    priced = json.loads(done.stdout)["spans"][0]
    assert priced["exact"] == "0.00000000000015432" and priced["amount"] == "0"


def test_json_lines_and_several_files(config, tmp_path):
    line = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "ab" * 16, "spanId": "cd" * 8}]}]}]})
    lines, one = tmp_path / "spans.jsonl", tmp_path / "pretty.json"
    lines.write_text(line + "\n\n" + line + "\n")
    one.write_text(json.dumps(json.loads(line), indent=2))
    told = json.loads(explain("--config", config, "--json", str(lines), str(one)).stdout)["spans"]
    assert [s["trace_id"] for s in told] == ["ab" * 16] * 3


def test_a_daemon_explains_a_trace_it_has_just_seen(spantoll, prices):
    port = free_port()
    daemon = spantoll(
        processors={"hash_path": {}, "pricing": {"file": prices({"shop:/cart/*": "0.0000125"})}, "cost": {}},
        exporters={"nop": {}}, extensions={"zpages": {"endpoint": f"127.0.0.1:{port}"}},
        pipelines={"traces": {"receivers": ["otlp"], "processors": ["hash_path", "pricing", "cost"],
                              "exporters": ["nop"]}})
    body, spans = request()
    assert daemon.export(body).ok
    done = explain("--endpoint", f"127.0.0.1:{port}", "--trace", spans[0].trace_id.hex(), "--json")
    assert done.returncode == 0, done.stderr
    priced = json.loads(done.stdout)["spans"][0]
    assert priced["amount"] == "0.0000015432" and priced["lines"][0]["quantity"] == "123456"
    done = explain("--endpoint", f"127.0.0.1:{port}", "--trace", "12" * 16)
    assert done.returncode == 1 and b"recent_mib" in done.stderr
    done = explain("--endpoint", f"127.0.0.1:{port}", "--trace", "12")
    assert done.returncode == 1


def test_prices_without_a_configuration(tmp_path):
    path = tmp_path / "it's ${HOME} #1: x.json"  # no YAML, and nothing to expand
    path.write_text('{"shop:/none": {"cost_per_ms": 1}}')
    done = explain("--prices", str(path), "--json", stdin=request()[0])
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["spans"][1]["rule"]["id"] == "shop:/none"


def test_bad_prices_are_told_at_once(config, tmp_path):
    (tmp_path / "prices.json").write_text('{"shop:/cart": {"cost_per_ms": -1}}')
    done = explain("--config", config, "-", stdin=request()[0])
    assert done.returncode == 1 and b"prices.json" in done.stderr and b"there are no prices, see above" in done.stderr


def test_bad_input_is_told(config, tmp_path):
    done = explain("--config", config, "-", stdin=b"\xff\xff\xff")
    assert done.returncode == 1 and b"-: not an OTLP request" in done.stderr
    done = explain("--config", config, "-", stdin=b'{"resourceSpans": [{"scopeSpans": 3}]}')
    assert done.returncode == 1 and b"resourceSpans[0].scopeSpans" in done.stderr
    done = explain("--config", config, "--pipeline", "traces/nine", "-", stdin=request()[0])
    assert done.returncode == 1 and b'no pipeline "traces/nine"' in done.stderr
    done = explain("--config", config, "/no/such")
    assert done.returncode == 1 and b"/no/such: No such file" in done.stderr
    broken = tmp_path / "broken.yaml"
    broken.write_text("receivers: {otlp: {protocolz: }}")
    assert explain("--config", str(broken), "-").returncode == 3
