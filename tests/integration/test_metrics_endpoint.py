# SPDX-License-Identifier: Apache-2.0
"""/metrics: the Collector's names, the money, and text that a scraper accepts."""
import socket
from decimal import Decimal

import pytest
from prometheus_client.parser import text_string_to_metric_families

from env import otlp
from env.daemon import http_get
from env.poll import eventually

# design: the names that existing dashboards and autoscalers use, with the label that says which component.
COLLECTOR = {
    "otelcol_receiver_accepted_spans": "receiver",
    "otelcol_receiver_refused_spans": "receiver",
    "otelcol_receiver_failed_spans": "receiver",
    "otelcol_processor_incoming_items": "processor",
    "otelcol_processor_outgoing_items": "processor",
    "otelcol_exporter_sent_spans": "exporter",
    "otelcol_exporter_send_failed_spans": "exporter",
    "otelcol_exporter_enqueue_failed_spans": "exporter",
    "otelcol_exporter_queue_size": "exporter",
    "otelcol_exporter_queue_capacity": "exporter",
    "otelcol_exporter_in_flight_requests": "exporter",
    "otelcol_process_uptime": None,
    "otelcol_process_cpu_seconds": None,
    "otelcol_process_memory_rss": None,
    "otel_collector_received_spans": None,
}


def start(spantoll, prices, **how):
    book = prices({"cart:GET /cart": "0.5"})
    return spantoll(processors={"pricing": {"file": book}, "cost": {}},
                    exporters={"enforcer": {"store": "memory", "evaluation_window": "1s", "budgets": [
                        {"match": {"service": "*"}, "limit": 4, "window": "1h"}]}}, **how)


@pytest.mark.core
def test_names_and_amounts(spantoll, prices):
    daemon = start(spantoll, prices)
    spans = {"cart": [otlp.span("GET /cart", 2.0), otlp.span("GET /cart", 4.0), otlp.span("unknown", 1.0)]}
    daemon.export(otlp.request(spans).SerializeToString())
    eventually(lambda: daemon.metric("cost_total_usd") == Decimal(3), 10, "three dollars")
    eventually(lambda: daemon.metrics().get("budget_utilization_pct", service="cart") == 75, 10, "75 % of the budget")
    m = daemon.metrics()
    for name, label in COLLECTOR.items():
        assert name in m.samples, name
        assert label is None or all(label in labels for labels, _ in m.samples[name]), name
    assert m.get("otel_collector_received_spans") == 3
    assert m.get("otelcol_receiver_accepted_spans", receiver="otlp") == 3
    assert m.get("cost_per_service", service="cart") == Decimal(3)
    unpriced = [(labels, v) for name in m.samples if "unpriced" in name for labels, v in m.samples[name]]
    assert any("no_pricing_data" in labels.values() and v == 1 for labels, v in unpriced), unpriced


@pytest.mark.core
def test_the_text_is_what_the_reference_parser_reads(spantoll, prices):
    daemon = start(spantoll, prices)
    daemon.export(otlp.request({'we"ird\\na\nme': [otlp.span("x", 1.0)]}).SerializeToString())
    eventually(lambda: daemon.metric("otel_collector_received_spans") == 1, 10)
    families = {f.name: f for f in text_string_to_metric_families(http_get(daemon.metrics_url)[1])}
    assert families["otelcol_receiver_accepted_spans"].type == "counter"
    assert families["otelcol_exporter_queue_size"].type == "gauge"
    assert all(f.documentation for f in families.values())


def test_the_suffix_can_be_switched_on(spantoll, prices):
    daemon = start(spantoll, prices, service={"telemetry": {"metrics": {"readers": [{"pull": {"exporter": {
        "prometheus": {"host": "localhost", "port": "@METRICS_PORT@"}}}}]}}})
    assert "otelcol_receiver_accepted_spans_total" in daemon.metrics().samples
    assert "otelcol_exporter_queue_size" in daemon.metrics().samples


def test_a_busy_port_is_told_with_its_setting(spantoll, prices):
    first = start(spantoll, prices)
    second = start(spantoll, prices, wait=False, service={"telemetry": {"metrics": {"readers": [{"pull": {
        "exporter": {"prometheus": {"host": "localhost", "port": first.metrics_port}}}}]}}})
    second.expect_failure = True
    assert second.wait(10) == 1
    assert "service::telemetry::metrics" in second.log and f":{first.metrics_port}" in second.log


def test_level_none_opens_no_port(spantoll, prices):
    daemon = start(spantoll, prices, service={"telemetry": {"metrics": {"level": "none"}}})
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", daemon.metrics_port), 1)
