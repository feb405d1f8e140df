# SPDX-License-Identifier: Apache-2.0
"""A destination that takes nothing: clients hear UNAVAILABLE with a delay, memory stays under the limit."""
import pathlib
import re
import threading
import time

import grpc
import pytest

from env import otlp
from env.daemon import BINARY

pytestmark = pytest.mark.core
MIB = 1 << 20
LIMIT_MIB = 64
# What gRPC holds of requests that are on their way in; AddressSanitizer keeps what was freed for a while.
AROUND_MIB = 600 if "asan" in BINARY.parts or "tsan" in BINARY.parts else 40


def resident(daemon):
    text = pathlib.Path(f"/proc/{daemon.child.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", text)[1]) * 1024


def test_overload_is_refused_before_memory_runs_out(spantoll):
    daemon = spantoll(
        processors={"memory_limiter": {"check_interval": "100ms", "limit_mib": LIMIT_MIB}},
        exporters={"file": {"path": "/dev/full", "required": True, "sending_queue": {"queue_size": 1000000},
                            "retry_on_failure": {"max_elapsed_time": "0s"}}})
    idle = resident(daemon)
    padding = "x" * 1000
    count, peak, answers, end = 500, [0], [], time.monotonic() + 8

    def send():
        client = daemon.new_client()
        body = otlp.many("a", count, attrs={"padding": padding})
        while time.monotonic() < end:
            answers.append(client.export(otlp.varied(body)))

    threads = [threading.Thread(target=send) for _ in range(4)]
    for t in threads:
        t.start()
    while any(t.is_alive() for t in threads):
        peak[0] = max(peak[0], resident(daemon))
        time.sleep(0.05)
    taken = [a for a in answers if a.ok]
    refused = [a for a in answers if not a.ok]
    assert taken and refused
    assert {a.code for a in refused} == {grpc.StatusCode.UNAVAILABLE}
    assert all(a.retry_delay for a in refused)
    assert peak[0] < idle + (LIMIT_MIB + AROUND_MIB) * MIB, f"{peak[0] / MIB:.0f} MiB, idle {idle / MIB:.0f}"
    assert daemon.metric("spantoll_memory_used_bytes") <= LIMIT_MIB * MIB
    assert daemon.metric("otelcol_receiver_accepted_spans") == count * len(taken)
    assert daemon.metric("otelcol_receiver_refused_spans") == count * len(refused)
    assert daemon.metric("otelcol_exporter_queue_size", exporter="file") == len(taken)
    daemon.kill()
