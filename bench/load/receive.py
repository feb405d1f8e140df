#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What receiving costs: CPU time of the daemon's process per span, driven by h2load on loopback.

Prints name<TAB>us per span<TAB>us per request. No limits: machines are shared. Answers the question "is the receiver
within design's budget": <= 0.35 us per span at 512 spans per request, <= 20 us for a request of one span, gzip <= +0.3.
The spans are decoded into views, which is not in that budget (bench_proto measures it alone); nothing is priced or
exported (tests/tools/sink.c)."""
import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from driver import ROOT, body, cpu_ns, load, load_http
from env import otlp
from env.ports import free_port


def main():
    args = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    args.add_argument("--sink", default=str(ROOT / "build/release/tools/sink"))
    args.add_argument("--spans", type=int, default=400_000, help="spans per measurement")
    args.add_argument("--repeats", type=int, default=5)
    args.add_argument("--connections", type=int, default=8)
    args.add_argument("--streams", type=int, default=8)
    args = args.parse_args()
    cases = [("sink_512", 512, False), ("sink_512_gzip", 512, True), ("sink_100", 100, False), ("sink_1", 1, False)]
    cases += [(f"http_{name}", spans, compressed) for name, spans, compressed in cases]
    port, http_port, found = free_port(), free_port(), {}
    with tempfile.TemporaryDirectory() as directory:
        server = subprocess.Popen([args.sink, str(port), "1", str(http_port)], stderr=subprocess.PIPE, text=True)
        try:
            otlp.Client(f"127.0.0.1:{port}").export(otlp.many("warm", 1))
            files = {}
            for name, spans, compressed in cases:
                data, per_span = body(spans, compressed)
                files[name] = pathlib.Path(directory) / name
                files[name].write_bytes(data[5:] if name.startswith("http") else data)  # gRPC's own five bytes
                print(f"# {name}: {per_span:.0f} bytes per span, {len(data)} bytes per request", file=sys.stderr)
            sent = 1
            for _ in range(args.repeats):  # interleaved, so that a noisy minute hits all of them
                for name, spans, compressed in cases:
                    requests = max(200, min(args.spans // spans, 20_000))
                    before = cpu_ns(server.pid)
                    if name.startswith("http"):
                        load_http(http_port, files[name], compressed, requests, args.connections)
                    else:
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
