#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a journal costs: `journaled` beside `received`, two daemons that differ in nothing else, in the same run.

CPU time per priced span at 512 and at 100 spans per request, driven by h2load, and how long a client waits at 5,000
spans/s.
Prints name<TAB>figure. No limits: machines and disks are shared. Answers: is `journaled` within + 0.35 us per span at 512
spans per request, and within + 5 ms of p99 at 5,000 spans/s. --directory: where the journal is (a real disk)."""
import argparse
import json
import os
import pathlib
import statistics
import sys
import tempfile
import time

from driver import REPEATS_COUNT, body, cpu_ns, load
from env import otlp
from env.daemon import Daemon

RATE, PER_REQUEST = 5000, 50
OPERATION = "/api/v2/users/{id}/orders"


def daemon_of(directory, journal):
    prices = directory.parent / "prices.json"
    prices.write_text(json.dumps({
        f"service-{i}:{OPERATION}": {"service": f"service-{i}", "operation": OPERATION, "cost_per_ms": 0.0001 * (i + 1)}
        for i in range(20)}))
    exporter = {"sending_queue": {"storage": "file_storage"}} if journal else {}
    return Daemon(directory, receivers={"otlp": {"protocols": {"grpc": {"workers": 1}}, **REPEATS_COUNT}},
                  processors={"hash_path": {}, "pricing": {"file": str(prices), "region": "us-east-1"}, "cost": {}},
                  exporters={"nop": exporter},
                  extensions={"file_storage": {"directory": str(journal)}} if journal else {}).start()


def cpu_per_span(daemon, file, spans, requests, args):
    before, done = cpu_ns(daemon.pid), daemon.metric("otelcol_exporter_sent_spans", exporter="nop")
    load(daemon.grpc_port, file, False, requests, args.connections, args.streams)
    daemon.wait_metric("otelcol_exporter_sent_spans", done + spans * requests, timeout=120, exporter="nop")
    return (cpu_ns(daemon.pid) - before) / (spans * requests) / 1000


def waits(daemon, seconds):
    """Milliseconds of each request, sent at a fixed rate from one client."""
    found, requests = [], [otlp.many("svc", PER_REQUEST) for _ in range(int(seconds * RATE / PER_REQUEST))]
    begin = time.monotonic()
    for i, request in enumerate(requests):
        at = begin + i * PER_REQUEST / RATE
        time.sleep(max(0.0, at - time.monotonic()))
        sent = time.monotonic()
        assert daemon.export(request).ok
        found.append((time.monotonic() - sent) * 1000)
    return found


def main():
    args = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    args.add_argument("--spans", type=int, default=200_000, help="spans per measurement")
    args.add_argument("--repeats", type=int, default=5)
    args.add_argument("--seconds", type=float, default=5, help="of each measurement of waiting")
    args.add_argument("--connections", type=int, default=4)
    args.add_argument("--streams", type=int, default=4)
    args.add_argument("--directory", help="of the journal; default: a temporary one")
    args = args.parse_args()
    with tempfile.TemporaryDirectory(dir=args.directory) as name:
        directory = pathlib.Path(name)
        daemons = {"received": daemon_of(directory / "received", None),
                   "journaled": daemon_of(directory / "journaled", directory / "journals")}
        try:
            run(args, directory, daemons)
        finally:
            for daemon in daemons.values():
                daemon.close()


def run(args, directory, daemons):
    cpu, wait = {}, {}
    for spans in (512, 100):
        file = directory / f"body-{spans}"
        file.write_bytes(body(spans, False)[0])
        for _ in range(args.repeats):  # interleaved, so that a noisy minute hits both
            for name, daemon in daemons.items():
                cpu.setdefault((name, spans), []).append(cpu_per_span(daemon, file, spans, args.spans // spans, args))
    for _ in range(args.repeats):
        for name, daemon in daemons.items():
            wait.setdefault(name, []).extend(waits(daemon, args.seconds))
    for (name, spans), runs in cpu.items():
        print(f"{name}_{spans}_us_per_span\t{statistics.median(runs):.3f}")
    for spans in (512, 100):
        both = zip(cpu["journaled", spans], cpu["received", spans])
        print(f"journal_adds_{spans}_us_per_span\t{statistics.median(a - b for a, b in both):.3f}")
    for name, found in wait.items():
        cuts = statistics.quantiles(found, n=100)
        print(f"{name}_wait_ms_p50\t{cuts[49]:.2f}\n{name}_wait_ms_p99\t{cuts[98]:.2f}")


if __name__ == "__main__":
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    sys.exit(main())
