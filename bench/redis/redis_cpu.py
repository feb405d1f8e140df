#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What one Redis spends on enforcers: its own CPU time per script call, and per round of a real daemon.

Every line is name<TAB>us in the script<TAB>us of the whole process<TAB>calls. The first number is Redis's own (INFO
commandstats), the second the process's CPU time over the phase, parsing and answering included. 1,000 services;
script calls as the daemon sends them, 128 in a pipeline. The median of interleaved repeats; no limits."""
import argparse
import hashlib
import pathlib
import random
import socket
import statistics
import tempfile
import time

from env.enforcer_fleet import DaemonNode, Fleet, ToolNode
from env.enforcer_oracle import Rule
from env.redis_server import RedisServer

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPTS = {name: (ROOT / f"exporters/enforcer/store_redis/{name}.lua").read_text() for name in ("publish", "commit")}
SHA = {name: hashlib.sha1(text.encode()).hexdigest() for name, text in SCRIPTS.items()}
PIPELINE, BUCKET_MS, BUCKETS = 128, 900_000, 96
SLOT, INSTANCE = "b:0123456789abcdef", "0123456789abcdef0123456789abcdef"
SHARED = ("enforce:throttled", "enforce:kill")
NOTE = ('{"subject":"%s","budget":"b:0123456789abcdef","spent":"123.456789012","limit":"500","window":"24h",'
        '"ema":123.45678901234567,"mode":"enforce","reason":"budget"}')


def encode(words):
    out = [b"*%d\r\n" % len(words)]
    for word in words:
        raw = word if isinstance(word, bytes) else str(word).encode()
        out.append(b"$%d\r\n%s\r\n" % (len(raw), raw))
    return b"".join(out)


class Meter:
    """Redis's CPU time over a phase. Its clock for scripts is wall time: on a busy machine only the process's counts."""

    def __init__(self, server):
        self.server, self.found = server, {}

    def _now(self):
        stats = self.server.client.info("commandstats")
        scripts = stats.get("cmdstat_evalsha", {"usec": 0, "calls": 0})
        cpu = int(pathlib.Path(f"/proc/{self.server.pid}/schedstat").read_text().split()[0])
        return scripts["usec"], scripts["calls"], cpu / 1000

    def measure(self, name, phase, count):
        """count: how many calls, or services, the process's time is divided by."""
        usec, calls, cpu = self._now()
        phase()
        usec2, calls2, cpu2 = self._now()
        called = calls2 - calls
        self.found.setdefault(name, []).append(
            ((usec2 - usec) / called if called else 0.0, (cpu2 - cpu) / count, called))

    def report(self):
        for name, rows in self.found.items():
            script, whole, calls = (statistics.median(column) for column in zip(*rows))
            print(f"redis/{name}\t{script:.1f}\t{whole:.1f}\t{calls:.0f}")


class Scripts:
    """The scripts, called as exporters/enforcer/store_redis/publish.c and decide.c call them."""

    def __init__(self, server, names):
        self.names, self.seq = names, 0
        self.now = int(time.time() * 1000) // BUCKET_MS * BUCKET_MS - BUCKETS * BUCKET_MS
        self.totals = dict.fromkeys(names, 0)
        self.versions = {}
        self.socket = socket.create_connection(("127.0.0.1", server.port))
        self.file = self.socket.makefile("rb")
        for text in SCRIPTS.values():
            server.client.script_load(text)

    def run(self, commands):
        """Answers of all, PIPELINE at a time."""
        out = []
        for at in range(0, len(commands), PIPELINE):
            some = commands[at:at + PIPELINE]
            self.socket.sendall(b"".join(some))
            out += [self._answer() for _ in some]
        return out

    def _answer(self):
        line = self.file.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b"*":
            return [self._answer() for _ in range(int(rest))]
        if kind == b"$":
            return self.file.read(int(rest) + 2)[:-2] if rest != b"-1" else None
        assert kind != b"-", rest
        return rest

    def _publish(self, name, pairs, prev, clock):
        k = f"cost:rolling:{name}:24h"
        words = [w for pair in pairs for w in pair]
        return encode(["EVALSHA", SHA["publish"], 3, k, "{%s}:s" % k, "{%s}:i:%s" % (k, INSTANCE),
                       BUCKET_MS, BUCKETS, clock, self.seq if pairs else 0, prev, *words])

    def spend(self, clock=""):
        """One changed total of every service. clock: what the scripts take for now; "": Redis's own."""
        prev, self.seq = self.seq, self.seq + 1
        for name in self.names:
            self.totals[name] += 123_456_789
        return [self._publish(n, [(self.now // BUCKET_MS, self.totals[n])], prev, clock) for n in self.names]

    def read(self, clock=""):
        return [self._publish(name, [], self.seq, clock) for name in self.names]

    def commit(self):
        """A window decided, nothing changed: what nearly every decision is."""
        words, now = [], int(time.time() * 1000)
        for name in self.names:
            f = f"enforce:throttle:{name}"
            slot = f"{now // 60_000} 123.45678901234567 0 3 0 0 enforce {now} 123456789012"
            keys = [f, *("{%s}:%s" % (f, x) for x in ("d", "shadow", "audit", "override")), *SHARED]
            words.append(encode(["EVALSHA", SHA["commit"], len(keys), *keys, self.versions.get(name, b""), INSTANCE,
                                 now, 60_000, 3600, 0, 0, NOTE % name, "", "", 0, 0, len(self.names) // 5,
                                 name, 0, SLOT, slot]))
        return words

    def decide(self, commands):
        for name, answer in zip(self.names, self.run(commands)):
            assert answer[0] == b"ok", answer
            self.versions[name] = answer[1]


def measure_scripts(server, meter, services, repeats):
    s = Scripts(server, [f"service-number-{i:04}" for i in range(services)])
    for _ in range(BUCKETS):  # a full day of buckets
        s.now += BUCKET_MS
        s.totals = dict.fromkeys(s.names, 0)
        s.run(s.spend(s.now))
    s.decide(s.commit())
    for _ in range(repeats):
        commands = s.spend()
        meter.measure("publish_changed", lambda: s.run(commands), services)
        meter.measure("publish_repeated", lambda: s.run(commands), services)
        commands = s.read()
        meter.measure("read", lambda: s.run(commands), services)
        commands = s.commit()
        meter.measure("commit", lambda: s.decide(commands), services)
        states = [encode(["HGETALL", "{enforce:throttle:%s}:d" % n]) for n in s.names]
        meter.measure("state", lambda: s.run(states), services)
        s.now += BUCKET_MS
        commands = s.read(s.now)
        meter.measure(f"rollover_of_{BUCKETS}_buckets", lambda: s.run(commands), services)
        s.totals = dict.fromkeys(s.names, 0)
        commands = s.spend()
        meter.measure("publish_first_of_a_bucket", lambda: s.run(commands), services)


def measure_daemons(server, meter, services, repeats):
    """Rounds of real daemons: publish, be first to decide, come too late."""
    server.client.flushall()
    rule = Rule(limit=500, window_ms=86_400_000, bucket_ms=BUCKET_MS, evaluation_ms=60_000)
    with tempfile.TemporaryDirectory() as directory:
        fleet = Fleet(directory, server, rule, random.Random(1), [], [f"service-number-{i:04}" for i in range(services)],
                      3600)
        try:
            for _ in range(2):
                fleet.add(DaemonNode, share=1)
            fleet.clock.ms += 1000
            for _ in range(repeats):
                measure_round(fleet, meter, services)
        finally:
            fleet.close()


def measure_fleet(server, services, daemons, seconds):
    """A fleet whose every total changes all the time: what it leaves of Redis."""
    server.client.flushall()
    rule = Rule(limit=500, window_ms=86_400_000, bucket_ms=BUCKET_MS, evaluation_ms=60_000)
    with tempfile.TemporaryDirectory() as directory:
        fleet = Fleet(directory, server, rule, random.Random(1), [], [f"service-number-{i:04}" for i in range(services)],
                      3600)
        try:
            for _ in range(daemons):
                fleet.add(ToolNode, share=1)
            spend_for(fleet, 12)  # heartbeats come every 10 s: by then each knows of all
            busy = -int(pathlib.Path(f"/proc/{server.pid}/schedstat").read_text().split()[0])
            published = -sum(node.counters()["publishes"] for node in fleet.nodes)
            took = spend_for(fleet, seconds)
            busy += int(pathlib.Path(f"/proc/{server.pid}/schedstat").read_text().split()[0])
            published += sum(node.counters()["publishes"] for node in fleet.nodes)
        finally:
            fleet.close()
    print(f"fleet/{daemons}_daemons_{services}_services\t{published / took:.0f} publishes/s\t"
          f"{busy / took / 1e7:.1f} % of one core")


def spend_for(fleet, seconds):
    begin = time.monotonic()
    while time.monotonic() < begin + seconds:
        for node in fleet.nodes:
            node.send(dict.fromkeys(fleet.services, 10**9))
        time.sleep(0.5)
    return time.monotonic() - begin


def measure_round(fleet, meter, services):
    first, second = fleet.nodes

    def spend():
        first.spend(dict.fromkeys(fleet.services, 10**11))
        fleet.wait_quiet()

    def boundary():
        fleet.clock.ms += 60_000
        fleet.wait_decided([first])

    meter.measure("daemon_publishes", spend, services)
    second.process.pause()
    meter.measure("daemon_decides_alone", boundary, services)
    meter.measure("daemon_comes_too_late", lambda: (second.process.resume(), fleet.wait_decided()), services)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--services", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=9)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        server = RedisServer(pathlib.Path(directory) / "redis", options=["--appendonly", "no"]).start()
        try:
            meter = Meter(server)
            measure_scripts(server, meter, args.services, args.repeats)
            measure_daemons(server, meter, args.services, args.repeats)
            meter.report()
            for daemons in (1, 8):
                measure_fleet(server, args.services, daemons, 20)
        finally:
            server.kill()


main()
