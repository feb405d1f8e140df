# SPDX-License-Identifier: Apache-2.0
"""spanmetrics: calls, durations and exact dollars per dimensions on /metrics, in a page Prometheus can read."""
import subprocess
from decimal import Decimal

import pytest

from env import otlp
from env.daemon import Daemon
from env.prometheus import Metrics

pytestmark = pytest.mark.core
NAME = "traces_span_metrics_"


def test_calls_durations_and_dollars(spantoll, prices):
    daemon = spantoll(
        processors={"pricing": {"file": prices({"shop:*": "0.000001"})}, "cost": {}},
        connectors={"spanmetrics": {"dimensions": [{"name": "http.method", "default": "?"}, {"name": "count"},
                                                   {"name": "env"}],
                                    "exclude_dimensions": ["status.code"],
                                    "histogram": {"explicit": {"buckets": ["2ms", "1s"]}}}},
        pipelines={"traces": {"receivers": ["otlp"], "processors": ["pricing", "cost"],
                              "exporters": ["spanmetrics"]},
                   "metrics": {"receivers": ["spanmetrics"], "exporters": ["nop"]}})
    spans = [otlp.span('say "hi"\\\n', 1.5, {"http.method": "GET", "count": 3}, kind=2),
             otlp.span('say "hi"\\\n', 500, {"http.method": "GET", "count": 3}, kind=2),
             otlp.span("other", 2000, kind=3)]
    assert daemon.export(otlp.request({"shop": spans}, resource={"env": "prod"})).ok
    daemon.wait_metric(NAME + "calls_total", 3)
    m = daemon.metrics()
    assert m.types[NAME + "duration_milliseconds"] == "histogram"
    hi = {"service_name": "shop", "span_name": 'say "hi"\\\n', "span_kind": "SPAN_KIND_SERVER",
          "http_method": "GET", "count": "3", "env": "prod"}
    other = {"service_name": "shop", "span_name": "other", "span_kind": "SPAN_KIND_CLIENT", "http_method": "?",
             "env": "prod"}
    assert sorted(m.samples[NAME + "calls_total"], key=str) == sorted([(hi, Decimal(2)), (other, Decimal(1))], key=str)
    assert m.get(NAME + "duration_milliseconds_bucket", **hi, le="2") == 1
    assert m.get(NAME + "duration_milliseconds_bucket", **hi, le="1000") == 2
    assert m.get(NAME + "duration_milliseconds_bucket", **other, le="1000") == 0
    assert m.get(NAME + "duration_milliseconds_bucket", **other, le="+Inf") == 1
    assert m.get(NAME + "duration_milliseconds_sum", **hi) == Decimal("501.5")
    assert m.get(NAME + "duration_milliseconds_count", **hi) == 2
    assert m.get(NAME + "cost_usd_total", **hi) == Decimal("0.0005015")
    assert m.get(NAME + "cost_usd_total", **other) == Decimal("0.002")
    assert "is not run: the metrics of its receivers are served with the daemon's own" in daemon.log


def test_series_have_a_limit(spantoll):
    daemon = spantoll(
        connectors={"spanmetrics/small": {"aggregation_cardinality_limit": 5, "namespace": "", "histogram":
                                          {"disable": True}}},
        pipelines={"traces": {"receivers": ["otlp"], "exporters": ["spanmetrics/small"]}})
    spans = [otlp.span(f"name {i}") for i in range(100)]
    assert daemon.export(otlp.request({"shop": spans})).ok
    daemon.wait_metric("calls_total", 100)
    m = daemon.metrics()
    assert len(m.samples["calls_total"]) == 6
    assert m.get("calls_total", otel_metric_overflow="true", connector="spanmetrics/small") == 95
    assert m.get("spantoll_spanmetrics_overflow_spans") == 95
    assert m.get("spantoll_spanmetrics_series") == 5


def test_two_of_them_make_one_readable_page(spantoll):
    daemon = spantoll(
        connectors={"spanmetrics": {}, "spanmetrics/b": {"histogram": {"unit": "s"}}},
        pipelines={"traces": {"receivers": ["otlp"], "exporters": ["spanmetrics", "spanmetrics/b"]}})
    assert daemon.export(otlp.many("a", 2, duration_ms=3)).ok
    daemon.wait_metric(NAME + "calls_total", 4)
    m = Metrics(daemon.metrics().text)
    assert m.get(NAME + "calls_total", connector="spanmetrics/b") == 2
    assert m.get(NAME + "duration_seconds_bucket", le="0.004") == 2
    assert m.get(NAME + "duration_milliseconds_bucket", le="4") == 2


@pytest.mark.parametrize("settings, sentence", [
    ({"dimensions": [{"name": "span.name"}]}, '"span.name" would be a label that is there already'),
    ({"dimensions": [{"name": "a.b"}, {"name": "a-b"}]}, '"a-b" would be a label that is there already'),
    ({"histogram": {"explicit": {"buckets": ["4ms", "2ms"]}}}, 'must be durations that ascend; "2ms" is none'),
    ({"exclude_dimensions": ["nobody"]}, '"nobody" is none of service.name'),
])
def test_what_cannot_be_is_said(tmp_path, settings, sentence):
    daemon = Daemon(tmp_path / "d", verb="validate", connectors={"spanmetrics": settings},
                    pipelines={"traces": {"receivers": ["otlp"], "exporters": ["spanmetrics"]}})
    answer = subprocess.run(daemon.argv, capture_output=True, text=True, timeout=300)
    assert answer.returncode == 3
    assert sentence in answer.stderr
