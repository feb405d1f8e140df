# SPDX-License-Identifier: Apache-2.0
"""Two pipelines behind one receiver: each sees its own processors' work only, and a request is in both or in none."""
import json

import grpc
import pytest

from env import otlp
from env.poll import eventually

pytestmark = pytest.mark.core


def records(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def paths_in(path):
    """url.path of every span in a file of OTLP lines."""
    found = []
    for line in records(path):
        for of in line["resourceSpans"]:
            for scope in of["scopeSpans"]:
                for span in scope["spans"]:
                    found += [a["value"]["stringValue"] for a in span["attributes"] if a["key"] == "url.path"]
    return found


def test_processors_of_one_do_not_show_in_the_other(spantoll, tmp_path):
    hashed, plain = tmp_path / "hashed.jsonl", tmp_path / "plain.jsonl"
    daemon = spantoll(
        processors={"hash_path": {}},
        exporters={"file/hashed": {"path": str(hashed)}, "file/plain": {"path": str(plain)}},
        pipelines={"traces": {"receivers": ["otlp"], "processors": ["hash_path"], "exporters": ["file/hashed"]},
                   "traces/plain": {"receivers": ["otlp"], "processors": [], "exporters": ["file/plain"]}})
    path = "/api/v2/users/123/orders/456"
    spans = [otlp.span("GET", attrs={"url.path": path, "n": i}) for i in range(50)]
    assert daemon.export(otlp.request({"shop": spans})).ok
    daemon.wait_metric("otelcol_exporter_sent_spans", 100)
    assert paths_in(hashed) == ["/api/v2/users/*/orders/*"] * 50
    assert paths_in(plain) == [path] * 50


def test_a_full_queue_in_one_refuses_for_both(spantoll, tmp_path):
    good = tmp_path / "good.jsonl"
    daemon = spantoll(
        exporters={"file/good": {"path": str(good), "encoding": "json", "required": True},
                   "file/bad": {"path": "/dev/full", "required": True, "sending_queue": {"queue_size": 1},
                                "retry_on_failure": {"max_elapsed_time": "0s"}}},
        pipelines={"traces": {"receivers": ["otlp"], "exporters": ["file/good"]},
                   "traces/bad": {"receivers": ["otlp"], "exporters": ["file/bad"]}})
    assert daemon.export(otlp.many("a", 2)).ok
    eventually(lambda: len(records(good)) == 2, what="the first request is in the good file")
    for _ in range(5):
        answer = daemon.export(otlp.many("a", 2))
        assert answer.code == grpc.StatusCode.UNAVAILABLE
        assert answer.retry_delay is not None
    assert daemon.metric("otelcol_receiver_refused_spans") == 10
    assert daemon.metric("otelcol_exporter_sent_spans", exporter="file/good") == 2
    assert len(records(good)) == 2
    daemon.kill()
