# SPDX-License-Identifier: Apache-2.0
"""Redis Cluster under load: slots move, a master dies, a node hangs, everything is wiped; totals stay exact."""
import random
import threading

import pytest

from env.enforcer import USD, Enforcer
from env.poll import eventually
from env.redis_cluster import RANGES, RedisCluster, slot


def key(service):
    return f"cost:rolling:{service}:24h"


SERVICES = [f"svc-{i}" for i in range(24)]


class Load(threading.Thread):
    """Spends all the time, everywhere; the ledger in nanodollars."""

    def __init__(self, daemon):
        super().__init__(daemon=True)
        self.to, self.ledger, self.ended = daemon, {}, threading.Event()
        self.lock = threading.Lock()
        self.start()

    def run(self):
        r = random.Random(1)
        while not self.ended.wait(0.003):
            self.spend(r.choice(SERVICES), r.randrange(1, 10**9))

    def spend(self, service, nano):
        with self.lock:
            self.to.spend(service, nano * 1000)
            self.ledger[service] = self.ledger.get(service, 0) + nano

    def counter(self, name):
        with self.lock:
            return self.to.counter(name)

    def end(self):
        self.ended.set()
        self.join()
        return self.ledger


def flags(cluster):
    return {k.removeprefix("enforce:throttle:") for m in cluster.masters for k in m.client.keys("enforce:throttle:*")}


@pytest.fixture
def cluster(tmp_path):
    made = RedisCluster(tmp_path / "cluster")
    try:
        yield made.start()
    finally:
        made.kill()


@pytest.fixture
def load(cluster, tmp_path):
    daemon = Enforcer(cluster, tmp_path / "log", [("*", 10**6, 3600, "enforce")], evaluation_ms=3_600_000)
    try:
        made = Load(daemon)
        eventually(lambda: cluster.get(key(SERVICES[0])), 10, "published")
        assert cluster.get("spantoll:owner") == "inline"
        yield made
        made.end()
        assert daemon.stop() == 0
    finally:
        daemon.kill()


def nano(text):
    whole, _, rest = (text or "0").partition(".")
    return int(whole) * 10**9 + int((rest + "0" * 9)[:9])


def exact(cluster, ledger):
    return all(nano(cluster.get(key(s))) == n for s, n in ledger.items())


@pytest.mark.core
def test_slots_that_move_lose_and_double_nothing(cluster, load):
    """ASK while a slot is on its way, MOVED when it has arrived, TRYAGAIN for keys on both sides."""
    for service in SERVICES[:6]:
        number, source = slot(key(service)), cluster.master_of(key(service))
        target = next(m for m in cluster.masters if m is not source)
        before = load.counter("redis_redirects")
        load.spend(service, 1)
        cluster.begin_moving(number, source, target)
        assert cluster.move_keys(number, source, target) >= 2
        load.spend(service, 10)
        with load.lock:
            want = load.ledger[service]
        eventually(lambda: nano(target.get_asking(key(service))) >= want, 10, "published where it is already")
        assert load.counter("redis_redirects") > before
        cluster.end_moving(number, target)
    ledger = load.end()
    eventually(lambda: exact(cluster, ledger), 10, "the totals are exact")


@pytest.mark.core
def test_a_dead_master_is_replaced_and_a_hanging_one_stops_only_its_slots(cluster, load):
    first, second, third = cluster.masters
    second.pause()
    mine = [s for s in SERVICES if cluster.master_of(key(s)) is not second]
    eventually(lambda: load.counter("redis_nodes_away") == 1, 10, "the daemon knows that a node hangs")
    with load.lock:
        seen = {s: n for s, n in load.ledger.items() if s in mine}
    eventually(lambda: all(nano(n.client.get(key(s))) >= seen[s] for s in mine for n in [cluster.master_of(key(s))]),
               10, "the other slots go on")
    second.resume()
    eventually(lambda: load.counter("redis_nodes_away") == 0, 15, "it is back")
    # The replica gets nothing any more: what the master acknowledges now is lost with it.
    cluster.replica.client.config_set("masterauth", "wrong")
    first.client.config_set("requirepass", "right")
    first.client.client_kill_filter(_type="replica")
    idle = next(s for s in ("idle-%d" % i for i in range(999)) if slot(key(s)) <= RANGES[0][1])
    load.spend(idle, 5 * 10**9 + 3)
    eventually(lambda: nano(first.client.get(key(idle))) == 5 * 10**9 + 3, 10, "acknowledged")
    first.kill()
    eventually(lambda: cluster.replica.client.role()[0] == "master", 20, "failover")
    ledger = load.end()
    eventually(lambda: exact(cluster, ledger), 15, "the totals are exact, of the idle one as well")
    assert load.counter("losses") >= 1


def test_decisions_are_made_slot_by_slot(cluster, tmp_path):
    """State, flag and audit of a service share a slot; the list of throttled ones lies elsewhere."""
    daemon = Enforcer(cluster, tmp_path / "log", [("*", 500, 3600, "enforce")])
    try:
        dear = [next(s for s in SERVICES if cluster.master_of(key(s)) is m) for m in cluster.masters]
        for service in SERVICES:
            daemon.spend(service, (600 if service in dear else 1) * USD)
        eventually(lambda: [s for s in SERVICES if cluster.get(f"enforce:throttle:{s}")] == sorted(dear, key=SERVICES.index),
                   10, f"{dear} are throttled")
        assert daemon.counter("decision_errors") == 0 and daemon.counter("redis_nodes_away") == 0
        assert daemon.stop() == 0
    finally:
        daemon.kill()


def test_the_cap_and_the_kill_switch_reach_every_slot(cluster, tmp_path):
    """No script sees all flags: the cap is what each daemon makes of it. The kill switch lies on one node, the flags on all."""
    fleet = [Enforcer(cluster, tmp_path / f"log{i}", [("*", 500, 3600, "enforce")], fraction=0.25) for i in range(2)]
    try:
        for i, service in enumerate(SERVICES):
            fleet[i % 2].spend(service, (600 + i) * USD)
        eventually(lambda: flags(cluster) == set(SERVICES[-6:]), 20, "those furthest over are throttled, and no others")
        assert {cluster.master_of(f"enforce:throttle:{s}") for s in SERVICES[-6:]} == set(cluster.masters)
        eventually(lambda: all(e.counter("capped") == 18 for e in fleet), 10, "the others are held back")
        cluster.master_of("enforce:kill").client.set("enforce:kill", "Ann: a price is wrong")
        eventually(lambda: not flags(cluster), 10, "no flag is left", every=0.01)
        eventually(lambda: all(e.counter("killed") == 1 for e in fleet), 5, "both know")
        cluster.master_of("enforce:kill").client.delete("enforce:kill")
        eventually(lambda: flags(cluster) == set(SERVICES[-6:]), 20, "they come back, and no others")
        assert all(e.stop() == 0 for e in fleet)
    finally:
        for e in fleet:
            e.kill()


def test_a_wiped_cluster_is_filled_again(cluster, load):
    ledger = load.end()
    eventually(lambda: exact(cluster, ledger), 10, "published")
    for node in cluster.masters:
        node.client.flushall()
        node.client.script_flush()
    load.spend(SERVICES[0], 1)
    for service in SERVICES[1:]:
        load.spend(service, 1)
    eventually(lambda: exact(cluster, load.ledger), 10, "everything live is published again")
