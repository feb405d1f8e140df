# SPDX-License-Identifier: Apache-2.0
"""The file exporter writes every span once, as lines; rotates; survives a disk that is full."""
import json
import stat

import grpc
import pytest
from google.protobuf import json_format

from env import otlp
from env.poll import eventually

pytestmark = pytest.mark.core


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def ids(records):
    return [r["span_id"] for r in records]


def test_flat_records_have_the_fields_consumers_rely_on(spantoll, tmp_path):
    out = tmp_path / "spans.jsonl"
    daemon = spantoll(exporters={"file": {"path": str(out), "encoding": "json"}})
    span = otlp.span("POST /pay", 12.5)
    assert daemon.export(otlp.request({"payment": [span]})).ok
    eventually(lambda: lines(out), what="a record is in the file")
    (record,) = lines(out)
    assert list(record)[:5] == ["trace_id", "service", "operation", "cost_amount", "timestamp"]
    assert record["trace_id"] == span.trace_id.hex()
    assert record["span_id"] == span.span_id.hex()
    assert (record["service"], record["operation"]) == ("payment", "POST /pay")
    assert record["timestamp"] == span.end_time_unix_nano // 1_000_000
    assert stat.S_IMODE(out.stat().st_mode) == 0o640


def test_otlp_lines_parse_to_what_was_sent(spantoll, tmp_path):
    out = tmp_path / "spans.jsonl"
    daemon = spantoll(exporters={"file": {"path": str(out)}})
    sent = otlp.request({"a": [otlp.span("one", attrs={"n": 1, "list": ["x", 2.5]})], "b": [otlp.span("two")]})
    assert daemon.export(sent).ok
    eventually(lambda: lines(out), what="a line is in the file")
    # OTLP/JSON writes ids as hex where protobuf's JSON has base64.
    (line,) = lines(out)
    for of in line["resourceSpans"]:
        for scope in of["scopeSpans"]:
            for s in scope["spans"]:
                for key in ("traceId", "spanId", "parentSpanId"):
                    if s.get(key):
                        s[key] = __import__("base64").b64encode(bytes.fromhex(s[key])).decode()
    assert json_format.ParseDict(line, otlp.Request()) == sent


def test_rotation_keeps_the_newest_and_loses_nothing_between(spantoll, tmp_path):
    out = tmp_path / "spans.jsonl"
    daemon = spantoll(exporters={"file": {"path": str(out), "encoding": "json", "required": True,
                                          "rotation": {"max_megabytes": 1, "max_backups": 50}}})
    sent = set()
    for _ in range(20):
        request = otlp.many("a-service-with-a-name", 500, "GET /a/rather/long/route/to/fill/the/file")
        sent |= {s.span_id.hex() for _, s in otlp.spans_of(request)}
        assert daemon.client.export_until_ok(request).ok
    daemon.wait_metric("otelcol_exporter_sent_spans", len(sent), exporter="file")
    files = sorted(tmp_path.glob("spans*.jsonl"))
    assert len(files) > 1
    assert all(f.stat().st_size <= 1 << 20 for f in files)
    found = [i for f in files for i in ids(lines(f))]
    assert len(found) == len(sent) and set(found) == sent


def test_a_full_disk_refuses_then_recovers(spantoll, tmp_path):
    """Nothing crashes, nothing is half written; when there is room again the spans arrive."""
    out = tmp_path / "spans.jsonl"
    out.symlink_to("/dev/full")
    daemon = spantoll(exporters={"file": {
        "path": str(out), "encoding": "json", "required": True, "append": True,
        "sending_queue": {"queue_size": 2},
        "retry_on_failure": {"initial_interval": "100ms", "max_interval": "200ms", "max_elapsed_time": "0s"}}})
    first = otlp.many("a", 3)
    assert daemon.export(first).ok
    daemon.wait_metric("spantoll_exporter_retries", 2, exporter="file")
    assert daemon.export(otlp.many("a", 3)).ok
    refused = daemon.export(otlp.many("a", 3))
    assert refused.code == grpc.StatusCode.UNAVAILABLE
    assert refused.retry_delay is not None
    assert daemon.metric("otelcol_exporter_enqueue_failed_spans", exporter="file") == 3
    (component,) = [c for c in daemon.status()["components"] if c["component"] == "exporter/file"]
    assert component["status"] == "degraded" and "No space left" in component["why"]
    out.unlink()
    daemon.wait_metric("otelcol_exporter_sent_spans", 6, exporter="file")
    records = lines(out)
    assert len(records) == 6
    assert set(ids(records)) >= {s.span_id.hex() for _, s in otlp.spans_of(first)}
    eventually(lambda: daemon.status()["status"] == "ok", what="the status is ok again")


def test_an_optional_exporter_never_refuses_a_client(spantoll, tmp_path):
    daemon = spantoll(exporters={"nop": {}, "file": {"path": "/dev/full", "sending_queue": {"queue_size": 1}}})
    for _ in range(10):
        assert daemon.export(otlp.many("a", 5)).ok
    daemon.wait_metric("otelcol_exporter_sent_spans", 50, exporter="nop")
    assert daemon.metric("otelcol_exporter_enqueue_failed_spans", exporter="file") == 45
