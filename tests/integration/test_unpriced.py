# SPDX-License-Identifier: Apache-2.0
"""Nothing is silently $0: what goes without a price is listed, with the rule that would price it."""
import json
import subprocess

import pytest
import yaml

from env import otlp
from env.daemon import BINARY, http_get
from env.ports import free_port

pytestmark = pytest.mark.core


def unpriced(*args, stdin=""):
    return subprocess.run([BINARY, "unpriced", *args], input=stdin, capture_output=True, text=True, timeout=300)


def record(service, operation, error=None, **more):
    return json.dumps({"trace_id": "0" * 32, "service": service, "operation": operation, "cost_amount": 0,
                       **({"cost_error": error} if error else {}), **more})


@pytest.fixture
def daemon(spantoll, prices):
    port = free_port()
    made = spantoll(
        processors={"pricing": {"file": prices({"shop:/cart": "0.001"})}, "cost": {}},
        exporters={"nop": {}},
        extensions={"zpages": {"endpoint": f"127.0.0.1:{port}"}},
        pipelines={"traces": {"receivers": ["otlp"], "processors": ["pricing", "cost"], "exporters": ["nop"]}})
    made.zpages = f"127.0.0.1:{port}"
    return made


def send(daemon):
    plain = [otlp.span(name, attrs={"http.route": name}) for name in ("/cart", "/pay", "/pay", "/pay")]
    model = otlp.span("chat", attrs={"gen_ai.request.model": "some-model"})
    assert daemon.export(otlp.request({"shop": plain + [model]})).ok


def test_a_daemon_tells_what_has_no_price(daemon):
    send(daemon)
    done = unpriced("--endpoint", daemon.zpages, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [(r["service"], r["operation"], r["spans"]) for r in told["unpriced"]] == [("shop", "/pay", 3),
                                                                                    ("shop", "chat", 1)]
    assert told["unpriced"][0]["error"] == "no pricing data for shop:/pay"
    assert told["unpriced"][1]["model"] == "some-model"
    assert told["unpriced"][0]["last_ms"] > 1e12 and told["others"] == 0
    table = unpriced("--endpoint", daemon.zpages, "--top", "1").stdout
    assert table.splitlines()[0].split() == ["SPANS", "SERVICE", "OPERATION", "WHY", "LAST"]
    assert "and 1 spans of others" in table
    assert "; model some-model" in unpriced("--endpoint", daemon.zpages).stdout


def test_its_rules_wait_for_amounts(daemon):
    send(daemon)
    rules = unpriced("--endpoint", daemon.zpages, "--rules").stdout
    document = yaml.safe_load(rules)
    assert document["format"] == "spantoll.prices/v1"
    assert [r["match"] for r in document["rules"]] == [{"service": "shop", "operation": "/pay"},
                                                       {"model": "some-model"}]
    assert all(m["usd"] == "?" for r in document["rules"] for m in r["price"])


def test_the_page_for_people(daemon):
    page = http_get(f"http://{daemon.zpages}/debug/unpricedz")[1]
    assert "every span has had a price since the start" in page
    send(daemon)
    page = http_get(f"http://{daemon.zpages}/debug/unpricedz")[1]
    assert "shop: /pay" in page and "; model some-model" in page


def test_records_are_counted_from_files(tmp_path):
    lines = [record("a", "x", "no pricing data for a:x", received_ms=1700000000000),
             record("a", "x", "no pricing data for a:x", received_ms=1700000001000),
             record("a", "y", "no price for unit page"), record("b", "z", "no price for unit page"),
             record("a", "z"), "no json", ""]
    path = tmp_path / "spans.jsonl"
    path.write_text("\n".join(lines))
    done = unpriced("--json", str(path))
    told = json.loads(done.stdout)
    assert "no cost records (encoding: json of the exporters kafka and file): 1" in done.stderr
    assert told["unpriced"][0] == {"spans": 2, "service": "a", "operation": "x", "model": "",
                                   "error": "no pricing data for a:x", "last_ms": 1700000001000}
    rules = yaml.safe_load(unpriced("--rules", "-", stdin="\n".join(lines)).stdout)
    assert len(rules["rules"]) == 1 and rules["units"] == {"page": [{"usd": "?", "per": 1}]}


def test_priced_records_need_nothing():
    done = unpriced("-", stdin=record("a", "z") + "\n")
    assert done.returncode == 0 and done.stdout == "Every span has a price.\n"


def test_errors_name_the_fix():
    port = free_port()
    done = unpriced("--endpoint", f"127.0.0.1:{port}")
    assert done.returncode == 1 and "extension zpages" in done.stderr
    done = unpriced("/no/such/file")
    assert done.returncode == 1 and "/no/such/file: No such file or directory" in done.stderr
