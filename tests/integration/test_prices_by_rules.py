# SPDX-License-Identifier: Apache-2.0
"""Rules over any attribute price spans in the real daemon: layers, meters, units, what goes unpriced, sampling."""
import json
from decimal import Decimal

import pytest

from env import otlp

BASE = """
format: spantoll.prices/v1
rules:
  - id: openai/gpt-4o
    match: {provider: openai, model: {prefix: gpt-4o}}
    price:
      - {meter: input_tokens, usd: 2.50, per: 1M}
      - {meter: output_tokens, usd: 10, per: 1M}
  - id: sqs
    match: {rpc.service: SQS}
    price: [{meter: attribute, attribute: messaging.message.body.size, step: 64KiB, at_least: 64KiB, usd: 0.4, per: 1M steps}]
  - {id: old, match: {service: legacy}, price: [{meter: calls, usd: 1, per: 1}], valid_to: 2020-01-01}
units:
  s3_get: [{usd: 0.4, per: 1M}]
"""
OURS = """
format: spantoll.prices/v1
rules:
  - id: openai/gpt-4o
    match: {provider: openai, model: {prefix: gpt-4o}}
    price:
      - {meter: input_tokens, usd: 2, per: 1M}
      - {meter: output_tokens, usd: 8, per: 1M}
"""
CHAT = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-2024-08-06"}
TOKENS = {"gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 20}


@pytest.fixture
def daemon(spantoll, tmp_path):
    files = [tmp_path / "base.yaml", tmp_path / "ours.yaml"]
    files[0].write_text(BASE)
    files[1].write_text(OURS)
    return spantoll(
        processors={"pricing": {"file": [str(f) for f in files]}, "cost": {"attributes": ["breakdown", "catalog_version"]}},
        exporters={"file": {"path": str(tmp_path / "flat.jsonl"), "encoding": "json"},
                   "file/wire": {"path": str(tmp_path / "wire.jsonl")}})


def send(daemon, tmp_path, spans):
    """Records by the name of the span."""
    assert daemon.export(otlp.request({"svc": spans})).ok
    for exporter in ("file", "file/wire"):
        daemon.wait_metric("otelcol_exporter_sent_spans", len(spans), exporter=exporter)
    return {r["operation"]: r for r in map(json.loads, (tmp_path / "flat.jsonl").read_text().splitlines())}


def test_rules_price_what_spans_used(daemon, tmp_path):
    sampled = otlp.span("sampled", attrs=CHAT | TOKENS)
    sampled.trace_state = "ot=th:e6666666666668"  # one in ten
    records = send(daemon, tmp_path, [
        otlp.span("chat", attrs=CHAT | TOKENS),
        otlp.span("chat with units", attrs=CHAT | TOKENS | {"cost.units.s3_get": 3}),
        otlp.span("send", attrs={"rpc.service": "SQS", "messaging.message.body.size": 65537}),
        otlp.span("agent", attrs=CHAT | TOKENS | {"gen_ai.operation.name": "invoke_agent"}),
        sampled,
    ])
    amounts = {name: r["cost_amount"] for name, r in records.items()}
    assert amounts == {"chat": 0.00216, "chat with units": 0.0021612, "send": 8e-7, "agent": 0, "sampled": 0.00216}
    assert not any("cost_error" in r for r in records.values())
    assert records["sampled"]["adjusted_count"] == 10
    wire = (tmp_path / "wire.jsonl").read_text()
    assert "cost.breakdown.units.s3_get" in wire and "cost.catalog.version" in wire
    assert daemon.metric("cost_total_usd") == 11 * Decimal("0.00216") + Decimal("0.0021612") + Decimal("8e-7")


def test_what_cannot_be_charged_in_full_says_why(daemon, tmp_path):
    records = send(daemon, tmp_path, [
        otlp.span("no counts", attrs=CHAT),
        otlp.span("unknown unit", attrs=CHAT | TOKENS | {"cost.units.s4": 1}),
        otlp.span("negative", attrs={"cost.units.s3_get": -1}),
        otlp.span("too many", attrs=CHAT | {"gen_ai.usage.input_tokens": 10**8 + 1}),
        otlp.span("nothing", attrs={}),
    ])
    errors = {name: r["cost_error"] for name, r in records.items()}
    assert errors.pop("no counts").startswith("no token counts on the span")
    assert errors == {"unknown unit": "no price for unit s4", "negative": "invalid cost.units.s3_get",
                      "too many": "invalid tokens", "nothing": "no pricing data for svc:nothing"}
    for reason in ("no_usage", "no_unit_price", "no_pricing_data"):
        assert daemon.metric("spantoll_unpriced_spans", reason=reason) == 1
    assert daemon.metric("spantoll_unpriced_spans", reason="invalid_quantity") == 2
