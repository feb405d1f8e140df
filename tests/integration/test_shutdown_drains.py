# SPDX-License-Identifier: Apache-2.0
"""SIGTERM: what was acknowledged is delivered within 10 s; what cannot be is counted and logged in dollars."""
import json
import os
import signal
import threading
import time

import pytest

from env import otlp

pytestmark = pytest.mark.core


def span_ids(path):
    return [json.loads(line)["span_id"] for line in path.read_text().splitlines()]


def test_spans_that_wait_for_a_batch_are_delivered(spantoll, tmp_path):
    out = tmp_path / "spans.jsonl"
    daemon = spantoll(processors={"batch": {"timeout": "5m", "send_batch_size": 1000000}},
                      exporters={"file": {"path": str(out), "encoding": "json", "required": True}})
    sent = set()
    for _ in range(10):
        request = otlp.many("a", 20)
        sent |= {s.span_id.hex() for _, s in otlp.spans_of(request)}
        assert daemon.export(request).ok
    assert out.read_text() == ""
    begin = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - begin < 60
    found = span_ids(out)
    assert len(found) == len(sent) and set(found) == sent


def test_everything_acknowledged_under_load_is_delivered(spantoll, tmp_path):
    """The clients do not stop: whoever heard OK is in the file, exactly once; the others heard why not."""
    out = tmp_path / "spans.jsonl"
    daemon = spantoll(processors={"batch": {"timeout": "1s", "send_batch_size": 500}},
                      exporters={"file": {"path": str(out), "encoding": "json", "required": True}})
    acknowledged, refused, stop = set(), [], threading.Event()

    def send():
        client = daemon.new_client()
        while not stop.is_set():
            request = otlp.many("a", 25)
            answer = client.export(request, wait_for_ready=False)
            if not answer.ok:
                refused.append(answer.code)
                return
            acknowledged.update(s.span_id.hex() for _, s in otlp.spans_of(request))

    threads = [threading.Thread(target=send) for _ in range(4)]
    for t in threads:
        t.start()
    daemon.wait_metric("otelcol_receiver_accepted_spans", 2000)
    status = daemon.stop()
    stop.set()
    for t in threads:
        t.join()
    assert status == 0
    found = span_ids(out)
    assert len(found) == len(set(found))
    assert acknowledged <= set(found)
    assert len(acknowledged) >= 2000


def test_what_cannot_be_delivered_is_told_in_dollars(spantoll, prices):
    daemon = spantoll(processors={"pricing": {"file": prices({"shop:buy": "0.001"})}, "cost": {}},
                      exporters={"file": {"path": "/dev/full", "required": True,
                                          "retry_on_failure": {"max_elapsed_time": "0s"}}})
    assert daemon.export(otlp.many("shop", 5, "buy", duration_ms=100)).ok
    daemon.wait_metric("spantoll_exporter_retries", 1, exporter="file")
    begin = time.monotonic()
    daemon.child.send_signal(signal.SIGTERM)
    daemon.wait(20)
    assert 5 < time.monotonic() - begin < 60
    daemon.wait_log(r"exporter/file  lost 5 spans worth \$0\.50: unanswered at shutdown")


def test_an_exporter_that_never_comes_back_does_not_keep_the_process(spantoll, tmp_path):
    """A pipe that nobody reads: write() blocks for ever. The process ends in time, in order, and names it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDWR)
    try:
        daemon = spantoll(exporters={"file": {"path": str(pipe), "encoding": "json", "required": True}})
        assert daemon.export(otlp.many("shop", 2000)).ok
        begin = time.monotonic()
        daemon.child.send_signal(signal.SIGTERM)
        assert daemon.wait(20) == 0
        assert time.monotonic() - begin < 60
        daemon.wait_log("exporter/file  does not come back from a call: left behind")
        assert "what was left behind ends with the process" in daemon.log.splitlines()[-1]
    finally:
        os.close(reader)
