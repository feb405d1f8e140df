# SPDX-License-Identifier: Apache-2.0
"""Spans of real instrumentations cost what the providers' price pages say for what their APIs said was used.

The spans were recorded against fake APIs (tests/env/instrumentation); amounts are computed by hand from those answers."""
import json
import os
from decimal import Decimal

import pytest

from env.daemon import ROOT
from env.instrumentation import refresh
from env.instrumentation.scenarios import ALL
from env.poll import eventually

GOLDEN = ROOT / "tests/golden/instrumentation"

# gpt-4o: $2.50 input, $1.25 cached, $10 output per 1M. 1000 input, of which 400 cached; 200 output.
GPT_4O = Decimal("0.004")            # 600 x 2.5e-6 + 400 x 1.25e-6 + 200 x 1e-5
GPT_4O_UNCACHED = Decimal("0.0045")  # the instrumentation does not tell that 400 were cached
EMBEDDING = Decimal("0.000001")      # text-embedding-3-small: $0.02 per 1M; 50 input
# claude-sonnet-4: $3 input, $0.30 cache read, $3.75 cache write, $15 output. 100, 600, 300 and 50.
CLAUDE = Decimal("0.002355")         # 0.0003 + 0.00018 + 0.001125 + 0.00075

# Per scenario, what each span costs; all others (agents, chains, tools) cost nothing.
EXPECTED = {
    "otel-openai": {"chat gpt-4o": GPT_4O_UNCACHED, "embeddings text-embedding-3-small": EMBEDDING},
    "openllmetry-openai": {"openai.chat": GPT_4O, "openai.embeddings": EMBEDDING},
    "openinference-openai": {"ChatCompletion": GPT_4O, "CreateEmbeddings": EMBEDDING},
    "openllmetry-anthropic": {"anthropic.chat": CLAUDE},
    "openinference-anthropic": {"messages.create": CLAUDE},
    # An agent that calls a tool: the model is called twice, and that is all.
    "openllmetry-langgraph": {"ChatOpenAI.chat": 2 * GPT_4O},
    "openinference-langgraph": {"ChatOpenAI": 2 * GPT_4O},
    "pydantic-ai": {"chat gpt-4o": 2 * GPT_4O, "chat claude-sonnet-4-20250514": CLAUDE},
    # us-east-1: DynamoDB $0.125 and $0.625 per 1M units, S3 $0.40 and $5 per 1M, SQS $0.40 per 1M.
    "botocore": {"DynamoDB/GetItem": Decimal("1.875E-7"),         # 1.5 units read
                 "DynamoDB/PutItem": Decimal("0.000001875"),      # 3 units written
                 "DynamoDB/BatchWriteItem": Decimal("0.000003125"),  # 3 + 2
                 "S3/PutObject": Decimal("0.000005"), "S3/GetObject": Decimal("4E-7"),
                 "SQS/SendMessage": Decimal("4E-7"), "SQS/ReceiveMessage": Decimal("4E-7"),
                 "Bedrock Runtime/Converse": CLAUDE},
    # By the rules below, in the names of today; the spans have those of before.
    "redis": {"SET": Decimal("0.000002"), "GET": Decimal("0.000002")},
    "web": {"/orders/<int:order>": Decimal("0.01"), "/stock/*": Decimal("0.001")},
}
RULES = """
  - {id: redis, match: {db.system.name: redis}, price: [{meter: calls, usd: 2, per: 1M}]}
  - {id: web/orders, match: {http.request.method: POST, operation: "/orders/<int:order>"}, price: [{meter: calls, usd: 0.01, per: 1}]}
  - {id: web/stock, match: {url.full: {prefix: "http://127.0.0.1"}}, price: [{meter: calls, usd: 0.001, per: 1}]}
"""


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """The shipped prices of models and of AWS, and the rules above."""
    aws = (ROOT / "catalogue/aws.yaml").read_text().partition("\nrules:\n")[2].partition("\nunits:")[0]
    path = tmp_path_factory.mktemp("prices") / "book.yaml"
    path.write_text((ROOT / "catalogue/llm.yaml").read_text() + aws + RULES)
    return path


def priced(spantoll, book, tmp_path, recordings):
    """{service: {operation: dollars of all such spans}} without what costs nothing."""
    out = tmp_path / "spans.jsonl"
    daemon = spantoll(processors={"pricing": {"file": str(book)}, "cost": {}},
                      exporters={"file": {"path": str(out), "encoding": "json"}})
    sent = sum(len(body) > 0 and daemon.export(body).ok for body in recordings)
    assert sent == len(recordings)
    assert daemon.stop() == 0
    sums = {}
    for line in out.read_text().splitlines():
        record = json.loads(line, parse_float=Decimal)
        if record["cost_amount"]:
            of = sums.setdefault(record["service"], {})
            of[record["operation"]] = of.get(record["operation"], 0) + Decimal(record["cost_amount"])
    return sums


def test_recorded_spans_cost_what_price_pages_say(spantoll, book, tmp_path):
    recordings = [(GOLDEN / f"{name}.otlp").read_bytes() for name in EXPECTED]
    assert sorted(EXPECTED) == sorted(ALL) == sorted(path.stem for path in GOLDEN.glob("*.otlp"))
    assert priced(spantoll, book, tmp_path, recordings) == EXPECTED


def test_an_agent_without_its_calls_costs_nothing_and_says_so(spantoll, book, tmp_path):
    """Semantics, leaf rule: even where an agent's span repeats the tokens and names the model."""
    from env import otlp
    attrs = {"gen_ai.operation.name": "invoke_agent", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o",
             "gen_ai.usage.input_tokens": 2000, "gen_ai.usage.output_tokens": 400}
    call = {**attrs, "gen_ai.operation.name": "chat"}
    body = otlp.request({"shop": [otlp.span("agent", attrs=attrs), otlp.span("chat", attrs=call)]}).SerializeToString()
    assert priced(spantoll, book, tmp_path, [body]) == {"shop": {"chat": Decimal("0.009")}}


def test_tokens_that_no_span_has_are_in_no_total(spantoll, book, tmp_path):
    from env import otlp
    out = tmp_path / "spans.jsonl"
    daemon = spantoll(processors={"pricing": {"file": str(book)}, "cost": {}},
                      exporters={"file": {"path": str(out), "encoding": "json"}})
    attrs = {"gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o", "gen_ai.usage.output_tokens": 1}
    for tokens in (-1, 100_000_001, float("nan")):
        assert daemon.export(otlp.request({"shop": [otlp.span("chat", attrs={**attrs, "gen_ai.usage.input_tokens":
                                                                            tokens})]})).ok
    eventually(lambda: len(out.read_text().splitlines()) == 3, what="three records are in the file")
    for line in out.read_text().splitlines():
        record = json.loads(line)
        assert (record["cost_amount"], record["cost_error"]) == (0, "invalid tokens")


@pytest.mark.full
@pytest.mark.timeout(900)
def test_what_instrumentations_send_today_costs_the_same(spantoll, book, tmp_path, redis_server):
    """Recorded again, with the packages of tests/env/instrumentation/*.txt."""
    os.environ["REDIS_PORT"] = str(redis_server.port)
    recordings = [refresh.record(name, tmp_path / f"{name}.otlp") for name in EXPECTED]
    assert priced(spantoll, book, tmp_path, recordings) == EXPECTED
