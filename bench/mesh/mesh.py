#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What asking before every request costs: CPU time per decision of the daemon, its latency, and what Envoy adds.

decision_*   the daemon at 5,000 questions a second (bench/mesh/load.c), half of them about a service that is throttled
             by real spans; every answer is checked. CPU time of the whole process, all threads.
echo         CPU time of a bare TCP server per message at the same rate: the floor of this machine
added_*      an Envoy with the check before it answers against the same Envoy without, 500 pairs a second on one
             connection each, in random order; the median of the paired differences

Prints name<TAB>value, the unit in the name. `--fifo` runs everything with real-time priority on a machine that is
shared, `--one-cpu` the decisions on one processor: on a virtual machine waking another one that sleeps costs more
than the answer. No limits: machines differ."""
import argparse
import os
import pathlib
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "bench/load")]
from driver import cpu_ns  # noqa: E402
from env import otlp  # noqa: E402
from env.daemon import Daemon  # noqa: E402
from env.envoy import Envoy, get, read, with_ports  # noqa: E402
from env.poll import eventually  # noqa: E402
from env.ports import free_port  # noqa: E402

PRICES = '{"hot:/x": {"service": "hot", "operation": "/x", "cost_per_ms": 1}}'


def daemon_in(directory, ports, receiver):
    directory.mkdir()
    prices = directory / "prices.json"
    prices.write_text(PRICES)
    protocols = {"grpc": {"grpc": {"endpoint": "@GRPC@", "workers": 1}}, "http": {"http": {"endpoint": "@HTTP@"}}}[receiver]
    return Daemon(directory / "spantoll", config={
        "receivers": {"otlp": {"protocols": protocols}},
        "processors": {"pricing": {"file": str(prices)}, "cost": {}},
        "exporters": {"enforcer": {"store": "memory", "evaluation_window": "1s", "budgets": [
            {"match": {"service": "*"}, "limit": 500, "window": "24h"}]}},
        "extensions": {"health_check": {"endpoint": "@HEALTH@"}, "envoy": {"endpoint": f"127.0.0.1:{ports['grpc']}"},
                       "admin": {"endpoint": f"127.0.0.1:{ports['http']}"}},
        "service": {"extensions": ["health_check", "envoy", "admin"], "pipelines": {"traces": {
            "receivers": ["otlp"], "processors": ["pricing", "cost"], "exporters": ["enforcer"]}},
            "telemetry": {"metrics": {"level": "none"}}}}).start()


def throttle_hot(daemon, receiver, http_port):
    request = otlp.many("hot", 1, "/x", duration_ms=600)
    assert (daemon.export(request) if receiver == "grpc" else daemon.post(request)).ok
    eventually(lambda: get(http_port, "/v1/throttle/hot").status == 429, 20, "hot is throttled")


# ---- decisions ----

def decisions(tools, daemon, address, name, args):
    for method in ("check", "limit"):
        runs = []
        for _ in range(args.repeats):
            before = cpu_ns(daemon.pid)
            out = subprocess.run([tools / "load", address, method, str(args.rate), str(args.seconds), "2"],
                                 stdout=subprocess.PIPE, text=True, check=True).stdout
            told = dict(line.split("\t") for line in out.splitlines())
            assert int(told["wrong"]) == 0 and int(told["answered"]) == args.rate * args.seconds, out
            runs.append(((cpu_ns(daemon.pid) - before) / 1000 / args.rate / args.seconds, *(int(told[k]) for k in ("p50", "p99"))))
        cpu, p50, p99 = (statistics.median(column) for column in zip(*runs))
        print(f"{name}_{method}_cpu_us\t{cpu:.1f}\n{name}_{method}_p50_us\t{p50:.0f}\n{name}_{method}_p99_us\t{p99:.0f}", flush=True)


def run_decisions(tools, directory, receiver, args):
    ports = {"grpc": free_port(), "http": free_port()}
    daemon = daemon_in(directory / receiver, ports, receiver)
    try:
        throttle_hot(daemon, receiver, ports["http"])
        decisions(tools, daemon, f"127.0.0.1:{ports['grpc']}", f"decision_beside_otlp_{receiver}", args)
    finally:
        daemon.close()


# ---- what Envoy adds ----

def add_plain_listener(config, port):
    """The first listener again, without its check."""
    listener = yaml_copy(config["static_resources"]["listeners"][0])
    listener["name"], listener["address"]["socket_address"]["port_value"] = "plain", port
    del listener["filter_chains"][0]["filters"][0]["typed_config"]["http_filters"][0]
    config["static_resources"]["listeners"].append(listener)


def yaml_copy(node):
    if isinstance(node, dict):
        return {k: yaml_copy(v) for k, v in node.items()}
    return [yaml_copy(v) for v in node] if isinstance(node, list) else node


def serve_inside(config, port):
    """The service behind is a listener of the same Envoy: no other program adds its noise."""
    service = yaml_copy(config["static_resources"]["listeners"][-1])
    service["name"], service["address"]["socket_address"]["port_value"] = "service", port
    route = service["filter_chains"][0]["filters"][0]["typed_config"]["route_config"]["virtual_hosts"][0]["routes"][0]
    del route["route"]
    route["direct_response"] = {"status": 200, "body": {"inline_string": "ok"}}
    config["static_resources"]["listeners"].append(service)


def ask(connection):
    start = time.perf_counter_ns()
    connection.sendall(b"GET /pay HTTP/1.1\r\nhost: shop\r\nx-tenant-id: acme\r\n\r\n")
    answer = connection.recv(65536)
    took = time.perf_counter_ns() - start
    assert answer.startswith(b"HTTP/1.1 200") and answer.endswith(b"ok"), answer
    return took / 1e6


def differences(ports, rate, seconds):
    connections = [socket.create_connection(("127.0.0.1", port)) for port in ports]
    found, start = [], time.monotonic()
    for connection in connections:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        ask(connection)
    for i in range(rate * seconds):
        time.sleep(max(0.0, start + i / rate - time.monotonic()))
        took, order = {}, random.sample((0, 1), 2)
        for which in order:
            took[which] = ask(connections[which])
        found.append((took[0], took[1] - took[0]))
    for connection in connections:
        connection.close()
    return found


def run_added(directory, args):
    ports = {"grpc": free_port(), "http": free_port()}
    config, plain, service = read("envoy.yaml"), free_port(), free_port()
    add_plain_listener(config, plain)
    serve_inside(config, service)
    ways = {"rate_limit": 10000, "ext_authz_grpc": 10001, "ext_authz_http": 10002, "lua": 10003}
    own = {port: free_port() for port in ways.values()}
    daemon = daemon_in(directory / "added", ports, "grpc")
    envoy = Envoy(directory / "envoy", with_ports(config, own | {8000: service, 8081: ports["grpc"], 8080: ports["http"]})).start()
    try:
        for way, port in ways.items():
            found = differences((plain, own[port]), 500, args.seconds)
            base, added = (statistics.median(column) for column in zip(*found))
            print(f"added_{way}_ms\t{added:.3f}\t(without the check: {base:.3f})", flush=True)
    finally:
        envoy.kill()
        daemon.close()


def main():
    args = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    args.add_argument("--tools", default=str(ROOT / "build/release/bench/mesh"))
    args.add_argument("--rate", type=int, default=5000, help="decisions a second")
    args.add_argument("--seconds", type=int, default=4, help="of each measurement")
    args.add_argument("--repeats", type=int, default=3)
    args.add_argument("--fifo", action="store_true")
    args.add_argument("--one-cpu", action="store_true")
    args.add_argument("--only", choices=["decisions", "added"])
    args = args.parse_args()
    tools = pathlib.Path(args.tools)
    if args.fifo:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(5))
    all_cpus = os.sched_getaffinity(0)
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        if args.one_cpu:
            os.sched_setaffinity(0, {max(all_cpus)})
        echo = subprocess.run([tools / "echo", str(args.rate), str(args.seconds)], stdout=subprocess.PIPE, text=True, check=True)
        print(f"echo_cpu_us\t{echo.stdout.strip()}", flush=True)
        for receiver in ("http", "grpc") if args.only != "added" else ():
            run_decisions(tools, directory, receiver, args)
        os.sched_setaffinity(0, all_cpus)
        if args.only != "decisions":
            run_added(directory, args)


if __name__ == "__main__":
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    sys.exit(main())
