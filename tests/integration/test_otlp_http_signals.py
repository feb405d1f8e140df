# SPDX-License-Identifier: Apache-2.0
"""SDKs that export metrics and logs to the same endpoint as well: the spans arrive, the SDK says why the others did
not, and nobody retries in a loop."""
import json
import time

import pytest

from env.poll import eventually
from env.sdk_app import App, Page

INTERVAL_MS = 500
ALL = {"OTEL_METRICS_EXPORTER": "otlp", "OTEL_LOGS_EXPORTER": "otlp", "OTEL_METRIC_EXPORT_INTERVAL": str(INTERVAL_MS),
       "OTEL_METRIC_EXPORT_TIMEOUT": str(INTERVAL_MS), "OTEL_LOG_LEVEL": "info"}


def spans(daemon):
    file = daemon.dir / "spans.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


@pytest.mark.parametrize("language", ["python", "node"])
@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_spans_arrive_and_the_sdk_says_why_the_rest_does_not(spantoll, tmp_path, language, protocol):
    daemon = spantoll(receivers={"otlp": {"protocols": {"http": {}}}},
                      exporters={"file": {"path": "spans.jsonl", "encoding": "json"}})
    address = daemon.grpc if protocol == "grpc" else daemon.http
    app = App(Page(language), tmp_path / "app.log", address, protocol, env=ALL).start()

    def refused():
        return int(daemon.metric("otelcol_receiver_requests", outcome="failure"))

    try:
        for n in range(3):
            assert app.get(f"/checkout/{n}", feature="x") == 200
        eventually(lambda: len([s for s in spans(daemon) if s.get("feature") == "x"]) == 3, 20, "three spans")
        eventually(lambda: refused() >= 2, 20, "metrics were sent twice")
        before, start = refused(), time.monotonic()
        eventually(lambda: refused() >= before + 3, 20, "they come again at their interval")
        assert (refused() - before) / (time.monotonic() - start) <= 3 * 1000 / INTERVAL_MS, "and no faster"
        assert daemon.metric("otelcol_receiver_requests", outcome="refused") == 0
    finally:
        app.kill()
    # Over HTTP these SDKs print the reason phrase, not the Status in the body.
    assert ("traces only" if protocol == "grpc" else "Not Found") in app.log, app.log[-3000:]
