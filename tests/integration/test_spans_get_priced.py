# SPDX-License-Identifier: Apache-2.0
"""Every span leaves with a price, or with the reason why it has none; nothing a client says counts."""
import json
import math
import time
from decimal import Decimal

import pytest
from google.protobuf import json_format

from env import otlp
from env.money import span_cost
from env.poll import eventually

pytestmark = pytest.mark.core

PRICES = {
    "shop:/api/v2/users/*/orders/*": "0.0000125",
    "shop:*": "0.000001",
    "s3:GetObject": "0.0000004",
    "docs:*": None,
    "huge:*": "1000000000",
}


@pytest.fixture
def run(spantoll, prices, tmp_path):
    """run({service: [spans]}) -> {span id: (attributes, cost record)} as two exporters wrote them."""
    wire, flat = tmp_path / "wire.jsonl", tmp_path / "flat.jsonl"
    daemon = spantoll(
        processors={"hash_path": {}, "pricing": {"file": prices(PRICES), "region": "eu-west-1"}, "cost": {}},
        exporters={"file/wire": {"path": str(wire)}, "file/flat": {"path": str(flat), "encoding": "json"}})

    def send(spans, resource=None):
        request = otlp.request(spans, resource)
        count = len(list(otlp.spans_of(request)))
        assert daemon.export(request).ok
        for exporter in ("file/wire", "file/flat"):
            daemon.wait_metric("otelcol_exporter_sent_spans", count, exporter=exporter)
        records = {r["span_id"]: r for r in map(json.loads, flat.read_text().splitlines())}
        found = {}
        for line in wire.read_text().splitlines():
            for _, s in otlp.spans_of(otlp_json(json.loads(line))):
                found[s.span_id] = (attributes_once(s), records[s.span_id.hex()])
        return found

    send.daemon = daemon
    return send


def otlp_json(line):
    """OTLP/JSON writes ids as hex where protobuf's JSON has base64."""
    import base64
    for of in line["resourceSpans"]:
        for scope in of["scopeSpans"]:
            for s in scope["spans"]:
                for key in ("traceId", "spanId", "parentSpanId"):
                    if s.get(key):
                        s[key] = base64.b64encode(bytes.fromhex(s[key])).decode()
    return json_format.ParseDict(line, otlp.Request())


def attributes_once(span):
    keys = [a.key for a in span.attributes]
    assert len(keys) == len(set(keys)), f"an attribute twice: {keys}"
    return otlp.read_attributes(span.attributes)


def costs(attributes):
    return {k: v for k, v in attributes.items() if k.startswith("cost.")}


def test_amounts_are_exact_and_paths_are_folded(run):
    span = otlp.span("GET", 12.345678, {"url.path": "/api/v2/users/123/orders/456"})
    get = otlp.span("GetObject", 1)
    found = run({"shop": [span], "s3": [get]})
    attributes, record = found[span.span_id]
    duration = span.end_time_unix_nano - span.start_time_unix_nano
    amount = span_cost("0.0000125", duration)
    assert attributes["url.path"] == "/api/v2/users/*/orders/*"
    assert costs(attributes) == {"cost.amount": float(amount), "cost.currency": "USD",
                                 "cost.pricing_region": "eu-west-1", "cost.duration_ms": 12.35}
    assert record["operation"] == "/api/v2/users/*/orders/*"
    assert math.isclose(record["cost_amount"], float(amount), rel_tol=0, abs_tol=1e-15)
    assert record["price_version"]
    # An S3 GET is not nothing.
    assert costs(found[get.span_id][0])["cost.amount"] == 4e-7


def test_the_first_attribute_that_names_the_operation_wins(run):
    spans = {
        "/r/{id}": otlp.span("x", attrs={"http.route": "/r/{id}", "url.template": "/t", "url.path": "/p"}),
        "/t/{id}": otlp.span("x", attrs={"url.template": "/t/{id}", "url.path": "/p/1"}),
        "/p/*": otlp.span("x", attrs={"url.path": "/p/1", "http.target": "/q/1?a=b"}),
        "/q/*": otlp.span("x", attrs={"http.target": "/q/1?a=b"}),
        "/f/*": otlp.span("x", attrs={"url.full": "https://h:1/f/1?a=b#c"}),
        "shop.Cart/Get": otlp.span("x", attrs={"rpc.service": "shop.Cart", "rpc.method": "Get"}),
        "name 1": otlp.span("name 1"),
    }
    found = run({"shop": list(spans.values())})
    for operation, span in spans.items():
        assert found[span.span_id][1]["operation"] == operation
    assert found[spans["/f/*"].span_id][0]["url.full"] == "https://h:1/f/*"


def test_free_is_a_price_and_unknown_is_none(run):
    free, unknown = otlp.span("read", 5), otlp.span("POST /x", 5, {"url.path": "/x/7"})
    found = run({"docs": [free], "nobody": [unknown]})
    attributes, record = found[free.span_id]
    assert costs(attributes) == {"cost.amount": 0.0, "cost.currency": "USD", "cost.pricing_region": "eu-west-1",
                                 "cost.duration_ms": 5.0}
    assert record["cost_amount"] == 0 and "cost_error" not in record
    attributes, record = found[unknown.span_id]
    assert costs(attributes) == {"cost.error": "no pricing data for nobody:/x/*",
                                 "cost.pricing_region": "eu-west-1", "cost.duration_ms": 5.0}
    assert record["cost_amount"] == 0 and record["cost_error"] == "no pricing data for nobody:/x/*"
    assert run.daemon.metric("spantoll_unpriced_spans", reason="no_pricing_data") == 1


def test_what_clients_say_about_cost_is_replaced(run):
    lie = {"cost.amount": 1e9, "cost.currency": "EUR", "cost.pricing_region": "moon", "cost.duration_ms": "long",
           "cost.error": "none", "other": 1}
    priced, unknown = otlp.span("x", 10, lie), otlp.span("x", 10, lie)
    twice = otlp.span("x", 10, {"cost.amount": 5.0})
    twice.attributes.extend(otlp.attributes({"cost.amount": 6.0}))
    found = run({"shop": [priced, twice], "nobody": [unknown]})
    assert costs(found[priced.span_id][0]) == {"cost.amount": 1e-5, "cost.currency": "USD",
                                               "cost.pricing_region": "eu-west-1", "cost.duration_ms": 10.0}
    assert found[priced.span_id][0]["other"] == 1
    assert costs(found[twice.span_id][0])["cost.amount"] == 1e-5
    assert costs(found[unknown.span_id][0]) == {"cost.error": "no pricing data for nobody:x",
                                                "cost.pricing_region": "eu-west-1", "cost.duration_ms": 10.0}


def test_a_trusted_client_names_its_own_price(spantoll, prices, tmp_path):
    out = tmp_path / "flat.jsonl"
    daemon = spantoll(processors={"pricing": {"file": prices(PRICES)}, "cost": {"trust_client": True}},
                      exporters={"file": {"path": str(out), "encoding": "json"}})
    theirs, ours = otlp.span("x", 10, {"cost.amount": 0.1}), otlp.span("x", 10)
    lie = otlp.span("x", 10, {"cost.amount": float("nan")})
    assert daemon.export(otlp.request({"shop": [theirs, ours, lie]})).ok
    daemon.wait_metric("otelcol_exporter_sent_spans", 3, exporter="file")
    records = {r["span_id"]: r for r in map(json.loads, out.read_text().splitlines())}
    assert records[theirs.span_id.hex()]["cost_amount"] == 0.1
    assert records[ours.span_id.hex()]["cost_amount"] == 1e-5
    assert records[lie.span_id.hex()]["cost_error"] == "invalid amount from the client"
    assert daemon.metric("cost_total_usd") == Decimal("0.10001")


def test_poison_flows_on_and_is_in_no_total(run):
    now = time.time_ns()
    backwards = otlp.span("x", end_ns=now)
    backwards.start_time_unix_nano = now + 5
    endless = otlp.span("x", 24 * 3600 * 1000 + 1, end_ns=now)
    huge = otlp.span("x", 1000 * 3600, end_ns=now)
    found = run({"shop": [backwards, endless], "huge": [huge]})
    for span, error in [(backwards, "invalid duration"), (endless, "invalid duration"), (huge, "invalid amount")]:
        attributes, record = found[span.span_id]
        assert attributes["cost.error"].startswith(error)
        assert "cost.amount" not in attributes and "cost.currency" not in attributes
        assert record["cost_amount"] == 0 and record["cost_error"].startswith(error)
    assert run.daemon.metric("spantoll_unpriced_spans", reason="invalid_duration") == 2
    assert run.daemon.metric("spantoll_unpriced_spans", reason="overflow") == 1
    assert run.daemon.metric("cost_total_usd") == 0


def test_the_region_is_the_resources_own_where_it_has_one(run):
    here = otlp.span("x", 10)
    found = run({"shop": [here]}, {"cloud.region": "us-east-2"})
    attributes, record = found[here.span_id]
    assert attributes["cost.pricing_region"] == "us-east-2" and record["region"] == "us-east-2"


def test_a_pricing_without_prices_does_not_start(spantoll):
    daemon = spantoll(wait=False, processors={"pricing": {"book": "pricebook/other"}, "cost": {}})
    daemon.expect_failure = True
    assert daemon.wait(20) != 0
    assert 'processors::pricing::book: service::extensions has no "pricebook/other"' in daemon.log
