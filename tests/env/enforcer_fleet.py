# SPDX-License-Identifier: Apache-2.0
"""Daemons that share a Redis and a test clock, each behind a wire that can be cut, and the oracle beside them.

A node is the whole daemon, fed over OTLP, or the enforcer's Redis side alone (tests/tools/enforcer.c): the same
store, cheaper to start and to feed."""
import pathlib
import re
from decimal import Decimal

from env import otlp
from env.daemon import Daemon, http_get
from env.enforcer import Enforcer
from env.enforcer_oracle import Oracle
from env.poll import eventually
from env.test_clock import TestClock
from env.wire import Wire

PUBLISH = (pathlib.Path(__file__).resolve().parents[2] / "exporters/enforcer/store_redis/publish.lua").read_text()
PICO_PER_NS = 10**6  # of the real daemon's spans: $1 per ms
LIMIT_WAIT = 20


def text(nano):
    """Exact decimal dollars without trailing zeros; None where there is nothing."""
    if nano == 0:
        return None
    whole, rest = divmod(nano, 10**9)
    return f"{whole}.{rest:09d}".rstrip("0") if rest else str(whole)


class Node:
    """What both kinds have in common. services: which ones it sees spans of."""

    step = 1  # amounts are multiples of it, in picodollars

    def __init__(self, fleet, services):
        self.fleet, self.services, self.wire = fleet, services, Wire(fleet.redis.port)
        self.ledger = fleet.oracle.ledger()
        self.snapshot = {}

    def join(self):
        """Waits for the heartbeat: by it the others, and the test, know the instance."""
        before = set(self.fleet.redis.client.zrange("spantoll:daemons", 0, -1))
        self.start()
        new = eventually(lambda: set(self.fleet.redis.client.zrange("spantoll:daemons", 0, -1)) - before, LIMIT_WAIT,
                         "a heartbeat")
        (self.instance,) = new
        return self

    def spend(self, amounts):
        """{service: picodollars}, all now."""
        for service, pico in amounts.items():
            self.ledger.spend(service, pico, self.fleet.clock.ms)
        self.send(amounts)

    def keys(self, service):
        k = f"cost:rolling:{service}:24h"
        return [k, "{%s}:s" % k, "{%s}:i:%s" % (k, self.instance)]

    def published(self, services):
        """{service: {field: value}} of what Redis has of this instance."""
        pipe = self.fleet.redis.client.pipeline(transaction=False)
        for service in services:
            pipe.hgetall(self.keys(service)[2])
        return dict(zip(services, pipe.execute()))


class ToolNode(Node):
    def start(self):
        rule = self.fleet.rule
        self.process = Enforcer(self.wire, self.fleet.dir / f"tool{self.fleet.born}.log",
                                [("*", rule.limit, rule.window_ms // 1000, "enforce")], evaluation_ms=rule.evaluation_ms,
                                flush_ms=50, bucket_ms=rule.bucket_ms, ttl_s=self.fleet.ttl_s, clock=self.fleet.clock)

    def send(self, amounts):
        self.process.spend_many(amounts)

    def is_quiet(self):
        return self.process.waiting() == 0

    def counters(self):
        return self.process.counters()

    def stop(self):
        assert self.process.stop() == 0

    def kill(self):
        self.process.kill()

    log = property(lambda self: self.process.log)


class DaemonNode(Node):
    step = PICO_PER_NS

    def start(self):
        rule, fleet = self.fleet.rule, self.fleet
        book = fleet.dir / "prices.yaml"
        book.write_text("format: spantoll.prices/v1\nrules:\n  - id: all\n    match: {operation: /pay}\n"
                        "    price: [{meter: duration, usd: 1, per: 1ms}]\n")
        enforcer = {"redis": {"endpoints": [self.wire.address], "timeout": "500ms"}, "flush_interval": "50ms",
                    "evaluation_window": f"{rule.evaluation_ms}ms", "bucket": f"{rule.bucket_ms}ms",
                    "throttle": {"ttl": f"{fleet.ttl_s}s", "max_throttled_fraction": 1}, "test_clock": str(fleet.clock.path),
                    "budgets": [{"match": {"service": "*"}, "limit": rule.limit, "window": f"{rule.window_ms}ms"}]}
        self.process = Daemon(fleet.dir / f"daemon{fleet.born}", exporters={"enforcer": enforcer},
                              processors={"pricing": {"file": str(book)}, "cost": {}})
        self.sent = 0
        self.process.start()

    def send(self, amounts):
        spans = {service: [otlp.span("POST", attrs={"http.route": "/pay"}, duration_ms=pico / PICO_PER_NS / 1e6)]
                 for service, pico in amounts.items()}
        assert self.process.export(otlp.request(spans)).ok
        self.sent += len(spans)

    def is_quiet(self):
        page = self.page()
        sent = re.search(r'^otelcol_exporter_sent_spans{exporter="enforcer"} (\d+)$', page, re.M)
        waiting = re.search(r"^spantoll_enforcer_waiting_usd (\S+)$", page, re.M)
        return int(sent[1]) == self.sent and float(waiting[1]) == 0

    def page(self):
        """Not parsed: it has thousands of lines that nobody asks for."""
        return http_get(self.process.metrics_url)[1]

    def counters(self):
        found = re.findall(r"^spantoll_enforcer_(\w+) (\d+)$", self.page(), re.M)
        return {name: int(value) for name, value in found}

    def stop(self):
        assert self.process.stop() == 0

    def kill(self):
        self.process.kill()

    log = property(lambda self: self.process.log)


class Fleet:
    def __init__(self, directory, redis_server, rule, dice, kinds, services, ttl_s):
        self.dir, self.redis, self.rule, self.dice = pathlib.Path(directory), redis_server, rule, dice
        self.oracle, self.ttl_s, self.born = Oracle(rule), ttl_s, 0
        self.clock = TestClock(self.dir / "clock")
        self.services, self.nodes, self.gone = services, [], []
        self.counted, self.mine = 0, {}
        for kind in kinds:
            self.add(kind)

    def add(self, kind, share=0.25):
        """share: of the services that it sees."""
        self.born += 1
        self.nodes.append(kind(self, self.dice.sample(self.services, max(1, round(len(self.services) * share)))))
        return self.nodes[-1].join()

    # ---- waiting ----

    def wait_quiet(self):
        """Redis has everything that was spent."""
        for node in self.nodes:
            eventually(node.is_quiet, LIMIT_WAIT, f"{node.instance} has published everything", every=0.003)

    def wait_decided(self, nodes=None):
        for node in nodes or self.nodes:
            eventually(lambda: node.counters()["decided_until_milliseconds"] >= self.clock.ms, LIMIT_WAIT,
                       f"{node.instance} has decided", every=0.003)

    def new_decisions(self):
        """How many windows the living have counted as decided by them since the last question."""
        now = {node.instance: node.counters()["decisions"] for node in self.nodes}
        new = sum(count - self.mine.get(instance, 0) for instance, count in now.items())
        self.mine = now
        return new

    # ---- harm ----

    def cut(self):
        for node in self.dice.sample(self.nodes, len(self.nodes) // 2):
            node.wire.cut()

    def restart(self, node):
        """A clean end: nothing is lost, and another one comes."""
        self.new_decisions()
        node.stop()
        self._replace(node)

    def kill(self, node):
        """What it had not published is lost, whatever that was."""
        ends = [there.getsockname() for _, there in node.wire._pairs]
        node.kill()
        node.wire.close()
        addresses = {f"{host}:{port}" for host, port in ends}
        eventually(lambda: not addresses & {c["addr"] for c in self.redis.client.client_list()}, LIMIT_WAIT,
                   "Redis has done what the dead had asked")
        for service, fields in node.published(list(node.ledger.nano)).items():
            buckets = {int(b): int(n) for b, n in fields.items() if b.isdigit()}
            spent = node.ledger.nano[service]
            oldest = self.clock.ms // self.rule.bucket_ms - self.rule.buckets
            assert all(0 < n <= spent.get(b, 0) for b, n in buckets.items()), (service, buckets, spent)
            assert all(n == spent[b] for b, n in buckets.items() if b < max(spent)), "older buckets were complete"
            node.ledger.nano[service] = {b: n for b, n in buckets.items() if b > oldest}
        self._replace(node)

    def _replace(self, node):
        self.nodes.remove(node)
        self.gone.append(node)
        self.add(type(node))

    def wipe(self):
        """Everybody then spends a little of everything, so that everybody notices."""
        self.wait_quiet()
        self.redis.client.flushall()
        self.redis.client.script_flush()
        self.oracle.wipe([node.ledger for node in self.gone if node.ledger in self.oracle.ledgers])
        for node in self.nodes:
            node.snapshot = {}
            node.spend({service: max(node.step, 1000) for service in node.ledger.nano})
        self.wait_quiet()

    def keep_old(self):
        """Remembers some of what a node has published by now, for send_again()."""
        for node in self.nodes:
            node.snapshot = node.published(self.dice.sample(node.services, min(10, len(node.services))))

    def send_again(self):
        """Publishes of long ago arrive once more, behind newer ones."""
        pipe = self.redis.client.pipeline(transaction=False)
        for node in self.nodes:
            for service, fields in node.snapshot.items():
                pairs = [word for b, n in sorted(fields.items()) if b.isdigit() for word in (b, n)]
                if pairs and "q" in fields:
                    pipe.eval(PUBLISH, 3, *node.keys(service), self.rule.bucket_ms, self.rule.buckets, self.clock.ms,
                              fields["q"], 0, *pairs)
        pipe.execute()

    # ---- comparing ----

    def read(self):
        """{service: (total, state words or None, flag, number of audit records)} from Redis."""
        names = sorted(self.oracle.services())
        pipe = self.redis.client.pipeline(transaction=False)
        for name in names:
            flag = f"enforce:throttle:{name}"
            pipe.get(f"cost:rolling:{name}:24h").hgetall("{%s}:d" % flag).get(flag).xlen("{%s}:audit" % flag)
        answers = pipe.execute()
        out = {}
        for i, name in enumerate(names):
            total, state, flag, records = answers[4 * i:4 * i + 4]
            slots = [v.split() for k, v in state.items() if k.startswith("b:")]
            assert len(slots) <= 1
            out[name] = (total, slots[0] if slots else None, flag, records)
        return out

    def compare(self):
        now = self.clock.ms
        for name, (total, slot, flag, records) in self.read().items():
            want, spent = self.oracle.decisions.get(name), self.oracle.sum(name, now)
            assert total == text(spent), (name, total, text(spent))
            if want is None or want.window is None:
                assert slot is None, (name, slot)
                continue
            have = (int(slot[0]), float(slot[1]), *map(int, slot[2:5]))
            assert have == want.text(), (name, have, want.text(), slot)
            assert (flag == "true") == want.on, (name, flag, want.text())
            assert records == len(want.changes), (name, records, want.changes)

    def logs(self):
        return "".join(node.log for node in self.nodes + self.gone)

    def told(self, sentence):
        """{service: number of lines} over all logs."""
        out = {}
        for name in re.findall(r"\[COST_ENFORCEMENT\] (\S+) " + sentence, self.logs()):
            out[name] = out.get(name, 0) + 1
        return out

    def close(self):
        for node in self.nodes:
            node.kill()
            node.wire.close()


def usd(amount, step):
    """Picodollars, a multiple of step."""
    return int(Decimal(amount) * 10**12) // step * step
