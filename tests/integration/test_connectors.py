# SPDX-License-Identifier: Apache-2.0
"""Pipelines joined by connectors: prices travel on, the answer to the client counts for all of them."""
import json
import subprocess

import grpc
import pytest

from env import otlp
from env.daemon import Daemon
from env.poll import eventually

pytestmark = pytest.mark.core


def spans_in(path):
    found = []
    for line in path.read_text().splitlines() if path.exists() else []:
        for of in json.loads(line)["resourceSpans"]:
            for scope in of["scopeSpans"]:
                found += scope["spans"]
    return found


def attribute(span, key):
    return [a["value"] for a in span["attributes"] if a["key"] == key]


def test_what_is_done_before_a_connector_shows_behind_it_only(spantoll, tmp_path, prices):
    before, behind, deep = (tmp_path / f"{n}.jsonl" for n in ("before", "behind", "deep"))
    daemon = spantoll(
        processors={"hash_path": {}, "pricing": {"file": prices({"shop:*": "0.001"})}, "cost": {}},
        connectors={"forward": {}, "forward/deep": {}},
        exporters={f"file/{p.stem}": {"path": str(p)} for p in (before, behind, deep)},
        pipelines={"traces/deep": {"receivers": ["forward/deep"], "processors": ["hash_path"],
                                   "exporters": ["file/deep"]},
                   "traces/behind": {"receivers": ["forward"], "exporters": ["file/behind", "forward/deep"]},
                   "traces": {"receivers": ["otlp"], "processors": ["pricing", "cost"],
                              "exporters": ["file/before", "forward"]}})
    spans = [otlp.span("GET", attrs={"url.path": "/users/123"}) for _ in range(20)]
    assert daemon.export(otlp.request({"shop": spans})).ok
    for name in ("before", "behind", "deep"):
        daemon.wait_metric("otelcol_exporter_sent_spans", 20, exporter=f"file/{name}")
    for path, url in ((before, "/users/123"), (behind, "/users/123"), (deep, "/users/*")):
        got = spans_in(path)
        assert [attribute(s, "url.path") for s in got] == [[{"stringValue": url}]] * 20
        assert all(len(attribute(s, "cost.amount")) == 1 for s in got), path
    assert daemon.metric("otelcol_connector_consumed_items", connector="forward") == 20
    assert daemon.metric("otelcol_connector_produced_items", connector="forward/deep") == 20


def test_a_full_queue_behind_a_connector_refuses_for_all(spantoll, tmp_path):
    good = tmp_path / "good.jsonl"
    daemon = spantoll(
        connectors={"forward": {}},
        exporters={"file/good": {"path": str(good), "required": True},
                   "file/bad": {"path": "/dev/full", "required": True, "sending_queue": {"queue_size": 1},
                                "retry_on_failure": {"max_elapsed_time": "0s"}}},
        pipelines={"traces": {"receivers": ["otlp"], "exporters": ["file/good", "forward"]},
                   "traces/bad": {"receivers": ["forward"], "exporters": ["file/bad"]}})
    assert daemon.export(otlp.many("a", 2)).ok
    eventually(lambda: len(spans_in(good)) == 2, what="the first request is in the good file")
    for _ in range(5):
        assert daemon.export(otlp.many("a", 2)).code == grpc.StatusCode.UNAVAILABLE
    assert daemon.metric("otelcol_receiver_refused_spans") == 10
    assert daemon.metric("otelcol_connector_consumed_items", connector="forward") == 2
    assert len(spans_in(good)) == 2
    daemon.kill()


def test_circles_are_refused(tmp_path):
    daemon = Daemon(
        tmp_path / "d", verb="validate", connectors={"forward": {}}, exporters={"nop": {}},
        pipelines={"traces": {"receivers": ["otlp", "forward"], "exporters": ["nop", "forward"]}})
    answer = subprocess.run(daemon.argv, capture_output=True, text=True, timeout=300)
    assert answer.returncode == 3
    assert 'cycle detected: pipeline "traces" -> connector "forward" -> pipeline "traces"' in answer.stderr
