#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the whole job costs: OTLP/gRPC -> hash_path, pricing, cost -> Kafka (JSON, lz4, idempotent) and Redis.

CPU time of the daemon's process per span, all threads, from the first request until the last span is acknowledged,
against a real broker and a real redis-server; h2load sends as fast as it is answered. Prints name<TAB>us per span,
then a line per thread. No limits: machines are shared."""
import argparse
import json
import os
import pathlib
import statistics
import sys
import tempfile

from driver import REPEATS_COUNT, body, cpu_ns, load
from env.broker import Broker
from env.daemon import Daemon
from env.redis_server import RedisServer

OPERATION = "/api/v2/users/{id}/orders"


def threads(pid):
    found = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        name = (task / "comm").read_text().strip()
        found[name] = found.get(name, 0) + int((task / "schedstat").read_text().split()[0])
    return found


def configuration(directory, broker, redis, encoding):
    prices = directory / "prices.json"
    prices.write_text(json.dumps({
        f"service-{i}:{OPERATION}": {"service": f"service-{i}", "operation": OPERATION, "cost_per_ms": 0.0001 * (i + 1)}
        for i in range(20)}))
    return {
        "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": "@GRPC@", "workers": 1}}, **REPEATS_COUNT}},
        "processors": {"hash_path": {}, "pricing": {"file": str(prices), "region": "us-east-1"}, "cost": {},
                       "batch": {"timeout": "200ms", "send_batch_max_size": 8192}},
        "exporters": {
            "kafka": {"brokers": [broker.address], "topic": broker.topic(), "encoding": encoding},
            "enforcer": {"redis": {"endpoints": [redis.address]}}},
        "extensions": {"health_check": {"endpoint": "@HEALTH@"}},
        "service": {
            "extensions": ["health_check"],
            "telemetry": {"metrics": {"readers": [{"pull": {"exporter": {"prometheus": {
                "host": "127.0.0.1", "port": "@METRICS_PORT@", "without_type_suffix": True}}}}]}},
            "pipelines": {"traces": {"receivers": ["otlp"], "processors": ["hash_path", "pricing", "cost", "batch"],
                                     "exporters": ["kafka", "enforcer"]}}}}


def measure(daemon, file, spans, args, sent):
    requests = args.spans // spans
    before, by_thread = cpu_ns(daemon.pid), threads(daemon.pid)
    load(daemon.grpc_port, file, False, requests, args.connections, args.streams)
    sent += spans * requests
    for exporter in ("kafka", "enforcer"):
        daemon.wait_metric("otelcol_exporter_sent_spans", sent, timeout=120, exporter=exporter)
    total = spans * requests * 1000
    shares = {n: (t - by_thread.get(n, 0)) / total for n, t in threads(daemon.pid).items()}
    return (cpu_ns(daemon.pid) - before) / total, shares, sent


def main():
    args = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    args.add_argument("--spans", type=int, default=200_000, help="spans per measurement")
    args.add_argument("--repeats", type=int, default=5)
    args.add_argument("--connections", type=int, default=4)
    args.add_argument("--streams", type=int, default=4)
    args.add_argument("--encodings", default="json,otlp_proto")
    args = args.parse_args()
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        broker, redis = Broker(directory / "kafka").start(), RedisServer(directory / "redis").start()
        try:
            for encoding in args.encodings.split(","):
                run(args, directory, broker, redis, encoding)
        finally:
            redis.kill()
            broker.dispose()


def run(args, directory, broker, redis, encoding):
    daemon = Daemon(directory / encoding, config=configuration(directory, broker, redis, encoding)).start()
    sent, found = 0, {512: [], 100: []}
    try:
        files = {}
        for spans in found:
            files[spans] = directory / f"body-{spans}"
            files[spans].write_bytes(body(spans, False)[0])
        for _ in range(args.repeats):
            for spans, file in files.items():
                cost, shares, sent = measure(daemon, file, spans, args, sent)
                found[spans].append((cost, shares))
        for spans, runs in found.items():
            cost, shares = sorted(runs, key=lambda r: r[0])[len(runs) // 2]
            print(f"pipeline_{encoding}_{spans}\t{statistics.median(r[0] for r in runs):.2f}")
            print("#   " + "  ".join(f"{n} {t:.2f}" for n, t in sorted(shares.items(), key=lambda i: -i[1]) if t >= 0.01))
        status = pathlib.Path(f"/proc/{daemon.pid}/status").read_text()
        print("#   " + " ".join(line for line in status.splitlines() if line.startswith("VmHWM")), flush=True)
    finally:
        daemon.close()


if __name__ == "__main__":
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    sys.exit(main())
