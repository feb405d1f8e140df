#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What receiving costs: CPU time of the daemon's process per span, driven by h2load on loopback.

Prints name<TAB>us per span<TAB>us per request. No limits: machines are shared. Answers the question "is the receiver
within design's budget": <= 0.35 us per span at 512 spans per request, <= 20 us for a request of one span, gzip <= +0.3.
The spans are decoded into views, which is not in that budget (bench_proto measures it alone); nothing is priced or
exported (tests/tools/sink.c)."""
import argparse
import gzip
import os
import pathlib
import re
import statistics
import struct
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from env import otlp  # noqa: E402
from env.ports import free_port  # noqa: E402

PATH = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


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


def load(port, file, compressed, requests, connections, streams):
    command = ["h2load", "-n", str(requests), "-c", str(connections), "-m", str(streams), "-t", "1", "-d", str(file),
               "-H", "content-type: application/grpc", "-H", "te: trailers"]
    if compressed:
        command += ["-H", "grpc-encoding: gzip"]
    out = subprocess.run([*command, f"http://127.0.0.1:{port}{PATH}"], capture_output=True, text=True, check=True).stdout
    done = int(re.search(r"(\d+) succeeded", out)[1])
    assert done == requests, out
    return out


def main():
    args = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    args.add_argument("--sink", default=str(ROOT / "build/release/tools/sink"))
    args.add_argument("--spans", type=int, default=400_000, help="spans per measurement")
    args.add_argument("--repeats", type=int, default=5)
    args.add_argument("--connections", type=int, default=8)
    args.add_argument("--streams", type=int, default=8)
    args = args.parse_args()
    cases = [("sink_512", 512, False), ("sink_512_gzip", 512, True), ("sink_100", 100, False), ("sink_1", 1, False)]
    port, found = free_port(), {}
    with tempfile.TemporaryDirectory() as directory:
        server = subprocess.Popen([args.sink, str(port)], stderr=subprocess.PIPE, text=True)
        try:
            otlp.Client(f"127.0.0.1:{port}").export(otlp.many("warm", 1))
            files = {}
            for name, spans, compressed in cases:
                data, per_span = body(spans, compressed)
                files[name] = pathlib.Path(directory) / name
                files[name].write_bytes(data)
                print(f"# {name}: {per_span:.0f} bytes per span, {len(data)} bytes per request", file=sys.stderr)
            sent = 1
            for _ in range(args.repeats):  # interleaved, so that a noisy minute hits all of them
                for name, spans, compressed in cases:
                    requests = max(200, min(args.spans // spans, 20_000))
                    before = cpu_ns(server.pid)
                    load(port, files[name], compressed, requests, args.connections, args.streams)
                    time.sleep(0.05)
                    found.setdefault(name, []).append((cpu_ns(server.pid) - before) / requests / 1000)
                    sent += spans * requests
            for name, spans, _ in cases:
                per_request = statistics.median(found[name])
                print(f"{name}\t{per_request / spans:.3f}\t{per_request:.1f}")
        finally:
            server.terminate()
        counted = int(server.stderr.read().split()[-2])
        assert counted == sent, f"the receiver counted {counted} spans, sent were {sent}"


if __name__ == "__main__":
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    main()
