#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What forwarding costs: OTLP/gRPC in, OTLP/gRPC out to the receiver of tests/tools/sink.c.

CPU time of the daemon per span, all threads, from the first request until the last is answered by the destination;
h2load sends as fast as it is answered. `otlp_out_nothing` has the nop exporter: the others less this is the exporter.
Prints name<TAB>us per span, then a line per thread. No limits: machines are shared."""
import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

from driver import REPEATS_COUNT, body, cpu_ns, load
from env.daemon import Daemon
from env.ports import free_port
from pipeline import threads


def measure(daemon, exporter, file, args, sent):
    requests = args.spans // args.size
    before, by_thread = cpu_ns(daemon.pid), threads(daemon.pid)
    load(daemon.grpc_port, file, False, requests, args.connections, args.streams)
    sent += requests * args.size
    daemon.wait_metric("otelcol_exporter_sent_spans", sent, timeout=120, exporter=exporter)
    total = requests * args.size * 1000
    shares = {n: (t - by_thread.get(n, 0)) / total for n, t in threads(daemon.pid).items()}
    return (cpu_ns(daemon.pid) - before) / total, shares, sent


def run(name, exporters, directory, file, args):
    exporter = next(iter(exporters))
    grpc = {"endpoint": "@GRPC@", "workers": 1}
    daemon = Daemon(directory / name, receivers={"otlp": {"protocols": {"grpc": grpc}, **REPEATS_COUNT}}, exporters=exporters).start()
    sent, runs = 0, []
    try:
        for _ in range(args.repeats):
            cost, shares, sent = measure(daemon, exporter, file, args, sent)
            runs.append((cost, shares))
        print(f"otlp_out_{name}\t{statistics.median(r[0] for r in runs):.2f}")
        shares = sorted(runs, key=lambda r: r[0])[len(runs) // 2][1]
        print("#   " + "  ".join(f"{n} {t:.2f}" for n, t in sorted(shares.items(), key=lambda i: -i[1]) if t >= 0.01),
              flush=True)
    finally:
        daemon.close()


def main():
    args = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    args.add_argument("--sink", required=True)
    args.add_argument("--spans", type=int, default=200_000, help="spans per measurement")
    args.add_argument("--size", type=int, default=512, help="spans per request")
    args.add_argument("--repeats", type=int, default=5)
    args.add_argument("--connections", type=int, default=4)
    args.add_argument("--streams", type=int, default=4)
    args = args.parse_args()
    port = free_port()
    sink = subprocess.Popen([args.sink, str(port)], stderr=subprocess.DEVNULL)
    out = {"endpoint": f"http://127.0.0.1:{port}"}
    try:
        with tempfile.TemporaryDirectory() as name:
            directory = pathlib.Path(name)
            file = directory / "body"
            file.write_bytes(body(args.size, False)[0])
            run("nothing", {"nop": {}}, directory, file, args)
            run("plain", {"otlp": out | {"compression": "none"}}, directory, file, args)
            run("gzip", {"otlp": out}, directory, file, args)
    finally:
        sink.terminate()
        sink.wait()


if __name__ == "__main__":
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    sys.exit(main())
