# SPDX-License-Identifier: Apache-2.0
"""What the load benchmarks share: a request body, h2load, and the CPU time of a process."""
import gzip
import pathlib
import re
import struct
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from env import otlp  # noqa: E402

PATH = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


# h2load sends one file over and over. What knowing the repeats would cost: bench/bench_repeats.c.
REPEATS_COUNT = {"deduplicate": {"enabled": False}}


def body(spans, compressed):
    """About 470 bytes and 12 attributes per span, 20 services, ids all different."""
    def span(i):
        return otlp.span("GET /api/v2/users/{id}/orders", attrs={
            "http.request.method": "GET", "http.route": "/api/v2/users/{id}/orders", "http.response.status_code": 200,
            "url.path": f"/api/v2/users/{i}/orders/{i * 7}", "server.address": "shop.internal", "server.port": 8080,
            "network.protocol.version": "1.1", "user_agent.original": "Mozilla/5.0", "feature": "checkout",
            "tenant.id": f"tenant-{i % 50}", "net.peer.ip": "10.0.0.1", "thread.id": i})
    services = {}
    for i in range(spans):
        services.setdefault(f"service-{i * 20 // max(spans, 20)}", []).append(span(i))
    message = otlp.request(services, resource={"service.version": "1.4.2", "host.name": "node-1"}).SerializeToString()
    per_span = len(message) / spans
    if compressed:
        message = gzip.compress(message, 6)
    return struct.pack(">BI", int(compressed), len(message)) + message, per_span


def cpu_ns(pid):
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((task / "schedstat").read_text().split()[0])
        except FileNotFoundError:
            pass
    return total


def load_http(port, file, compressed, requests, connections):
    """The same over OTLP/HTTP, one request at a time on each connection; file: without gRPC's five bytes."""
    command = ["h2load", "--h1", "-n", str(requests), "-c", str(connections), "-t", "1", "-d", str(file),
               "-H", "content-type: application/x-protobuf"]
    if compressed:
        command += ["-H", "content-encoding: gzip"]
    out = subprocess.run([*command, f"http://127.0.0.1:{port}/v1/traces"], capture_output=True, text=True, check=True).stdout
    assert int(re.search(r"(\d+) 2xx", out)[1]) == requests, out
    return out


def load(port, file, compressed, requests, connections, streams):
    """Posts the file so many times; every answer must be there (h2load takes gRPC errors for successes: whoever
    calls this compares the server's own counters)."""
    command = ["h2load", "-n", str(requests), "-c", str(connections), "-m", str(streams), "-t", "1", "-d", str(file),
               "-H", "content-type: application/grpc", "-H", "te: trailers"]
    if compressed:
        command += ["-H", "grpc-encoding: gzip"]
    out = subprocess.run([*command, f"http://127.0.0.1:{port}{PATH}"], capture_output=True, text=True, check=True).stdout
    done = int(re.search(r"(\d+) succeeded", out)[1])
    assert done == requests, out
    return out
