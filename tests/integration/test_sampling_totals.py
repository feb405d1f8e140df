# SPDX-License-Identifier: Apache-2.0
"""Sampled spans stand for all that there were: totals have what those cost, exactly; the span has its own cost."""
import json
from decimal import Decimal
from fractions import Fraction

import pytest

from env import otlp
from env.poll import eventually

pytestmark = pytest.mark.core
PRICE_PER_MS = "0.000001234567"
ONE_IN_TEN, ONE_IN_THREE_AND_A_THIRD = "e6666666666666", "b3333333333333"


def pico(threshold):
    """What a span of 1 ms adds to totals: its picodollars times 2^56 / (2^56 - T), rounded once, half to even."""
    return round(Fraction(Decimal(PRICE_PER_MS)) * 10**12 * 2**56 / (2**56 - int(threshold, 16)))


def spans(threshold, count):
    made = [otlp.span("/pay", 1, attrs={"http.route": "/pay"}) for _ in range(count)]
    for span in made:
        span.trace_state = f"ot=th:{threshold}"
    return made


@pytest.fixture
def run(spantoll, prices, tmp_path):
    def run(spans, **cost):
        out = tmp_path / "spans.jsonl"
        daemon = spantoll(processors={"pricing": {"file": prices({"shop:/pay": PRICE_PER_MS})}, "cost": cost},
                          exporters={"file": {"path": str(out), "encoding": "json"}})
        assert daemon.export(otlp.request({"shop": spans})).ok
        eventually(lambda: out.exists() and len(out.read_text().splitlines()) == len(spans), what="all are in the file")
        records = [json.loads(line, parse_float=Decimal) for line in out.read_text().splitlines()]
        return records, round(Decimal(daemon.metric("cost_total_usd")) * 10**12)
    return run


@pytest.mark.parametrize("threshold,count", [(ONE_IN_TEN, "10"), (ONE_IN_THREE_AND_A_THIRD, "3.333333333")])
def test_totals_have_the_exact_expectation(run, threshold, count):
    records, total = run(spans(threshold, 100))
    assert total == 100 * pico(threshold)
    assert {str(r["cost_amount"]) for r in records} == {str(Decimal(PRICE_PER_MS))}
    assert {str(r["adjusted_count"]) for r in records} == {count}


def test_it_can_be_turned_off(run):
    records, total = run(spans(ONE_IN_TEN, 10), adjust_for_sampling=False)
    assert total == 10 * pico("0") and {r["adjusted_count"] for r in records} == {1}


def test_too_much_is_poison(run):
    records, total = run(spans("ffffffffffffff", 2) + spans(ONE_IN_TEN, 1), max_adjusted_count=9)
    assert total == 0
    assert {r["cost_error"] for r in records} == {"invalid adjusted_count"}
