# SPDX-License-Identifier: Apache-2.0
"""Processors as users paste them from a Collector do in the real daemon what they do there."""
import json

import pytest

from env import otlp

pytestmark = pytest.mark.core


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def spans_in(path):
    """(service, span name, attributes) of every span in a file of OTLP lines."""
    def read(attributes):
        return {a["key"]: next(iter(a["value"].values()), None) for a in attributes}

    return [(read(rs["resource"]["attributes"]), span["name"], read(span.get("attributes", [])), span)
            for line in lines(path) for rs in line["resourceSpans"]
            for ss in rs["scopeSpans"] for span in ss["spans"]]


def test_attributes_and_resource_change_what_is_priced(spantoll, tmp_path, prices):
    """The resource processor renames the service before pricing: the price is the new name's."""
    out, records = tmp_path / "out.jsonl", tmp_path / "records.jsonl"
    daemon = spantoll(
        processors={
            "resource": {"attributes": [
                {"key": "service.name", "value": "web", "action": "upsert"},
                {"key": "tenant.id", "from_attribute": "customer", "action": "insert"}]},
            "attributes/redact": {
                "include": {"match_type": "regexp", "services": ["^we"], "span_kinds": ["SERVER$"]},
                "actions": [{"key": "email", "action": "hash"}, {"pattern": "^secret", "action": "delete"},
                            {"key": "peer", "from_context": "client.address", "action": "insert"}]},
            "pricing": {"file": prices({"web:/pay": "0.002"})}, "cost": {}},
        exporters={"file": {"path": str(out)}, "file/records": {"path": str(records), "encoding": "json"}})
    spans = [otlp.span("/pay", 5, attrs={"email": "ann@example.com", "secret.key": "s", "n": i}) for i in range(3)]
    assert daemon.export(otlp.request({"legacy": spans}, resource={"customer": "acme"})).ok
    daemon.wait_metric("otelcol_exporter_sent_spans", 6)
    for resource, _, attributes, _ in spans_in(out):
        assert resource == {"service.name": "web", "customer": "acme", "tenant.id": "acme"}
        assert len(attributes["email"]) == 64 and "secret.key" not in attributes
        assert attributes["peer"] == "127.0.0.1"
        assert attributes["cost.amount"] == 0.01
    for record in lines(records):
        assert (record["service"], record["tenant"], record["cost_amount"]) == ("web", "acme", 0.01)
    assert daemon.metric("spantoll_processor_given_up_matches", processor="attributes/redact") == 0


def test_filter_drops_and_says_how_many(spantoll, tmp_path, prices):
    """A filter behind cost takes spans from the exporters of its pipeline; one that errs is counted."""
    out, all_of_it = tmp_path / "out.jsonl", tmp_path / "all.jsonl"
    daemon = spantoll(
        processors={
            "pricing": {"file": prices({"shop:/pay": "0.002", "shop:/health": "0.001"})}, "cost": {},
            "filter/health": {"error_mode": "ignore", "traces": {"span": [
                'IsMatch(name, "^/health") and attributes["cost.amount"] != nil',
                'HasPrefix(attributes["nowhere"], "x")']}}},
        exporters={"file": {"path": str(out)}, "file/all": {"path": str(all_of_it)}},
        pipelines={
            "traces": {"receivers": ["otlp"], "processors": ["pricing", "cost", "filter/health"],
                       "exporters": ["file"]},
            "traces/all": {"receivers": ["otlp"], "processors": ["pricing", "cost"], "exporters": ["file/all"]}})
    spans = [otlp.span(name) for name in ["/pay", "/health", "/health", "/pay", "/health"]]
    assert daemon.export(otlp.request({"shop": spans})).ok
    daemon.wait_metric("otelcol_exporter_sent_spans", 7)
    assert [name for _, name, _, _ in spans_in(out)] == ["/pay", "/pay"]
    assert len(spans_in(all_of_it)) == 5
    assert daemon.metric("otelcol_processor_filter_spans_filtered", filter="filter/health") == 3
    assert daemon.metric("spantoll_processor_filter_condition_errors", filter="filter/health") == 2


def test_sampled_spans_say_what_they_stand_for(spantoll, tmp_path, prices):
    """Behind cost in a pipeline of its own: the other pipeline's totals stay whole."""
    sampled, records = tmp_path / "sampled.jsonl", tmp_path / "records.jsonl"
    daemon = spantoll(
        processors={
            "resourcedetection": {"detectors": ["system"], "override": False,
                                  "system": {"hostname_sources": ["os"],
                                             "resource_attributes": {"host.arch": {"enabled": True}}}},
            "pricing": {"file": prices({"shop:/pay": "0.002"})}, "cost": {},
            "probabilistic_sampler": {"sampling_percentage": 25}},
        exporters={"file": {"path": str(sampled)}, "file/records": {"path": str(records), "encoding": "json"}},
        pipelines={
            "traces": {"receivers": ["otlp"], "exporters": ["file"],
                       "processors": ["resourcedetection", "pricing", "cost", "probabilistic_sampler"]},
            "traces/all": {"receivers": ["otlp"], "processors": ["pricing", "cost"], "exporters": ["file/records"]}})
    spans = [otlp.span("/pay", 5, trace_id=bytes([9] * 9 + [i]) + bytes([1] * 6)) for i in range(0, 256, 8)]
    assert daemon.export(otlp.request({"shop": spans})).ok
    daemon.wait_metric("otelcol_exporter_sent_spans", 8 + 32)
    kept = spans_in(sampled)
    assert [span["traceId"][18:20] for _, _, _, span in kept] == ["%02x" % i for i in range(192, 256, 8)]
    assert {span["traceState"] for _, _, _, span in kept} == {"ot=th:c"}
    resource = kept[0][0]
    assert resource["service.name"] == "shop" and resource["os.type"] == "linux"
    assert resource["host.name"] and resource["host.arch"]
    assert len(lines(records)) == 32
    counted = "otelcol_processor_probabilistic_sampler_count_traces_sampled"
    assert daemon.metric(counted, policy="trace_id_w3c", sampled="true") == 8
    assert daemon.metric(counted, policy="trace_id_w3c", sampled="false") == 24
