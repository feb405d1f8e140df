# SPDX-License-Identifier: Apache-2.0
"""Redis Cluster on loopback: three masters with a third of the slots each, and a replica of the first."""
import pathlib

import redis.exceptions

from env.poll import eventually
from env.ports import free_port
from env.redis_server import RedisServer

SLOTS = 16384
NODE_TIMEOUT_MS = 1000
RANGES = [(0, 5460), (5461, 10922), (10923, SLOTS - 1)]


def slot(key):
    """CRC-16/XMODEM of the key or its hash tag, bit by bit; tests/unit/test_redis_slots.c has Redis's own numbers."""
    begin = key.find("{") + 1
    end = key.find("}", begin)
    if begin and end > begin:
        key = key[begin:end]
    crc = 0
    for byte in key.encode():
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc % SLOTS


class Node(RedisServer):
    def __init__(self, directory, options=()):
        super().__init__(directory, [
            "--appendonly", "no", "--cluster-enabled", "yes", "--cluster-port", str(free_port()),
            "--cluster-node-timeout", str(NODE_TIMEOUT_MS), "--cluster-require-full-coverage", "no",
            "--cluster-replica-validity-factor", "0", "--repl-diskless-sync-delay", "0", *options])

    def say(self, *words):
        return self.client.execute_command(*words)

    def get_asking(self, key):
        """Of a slot that this node is about to take over."""
        with self.client.client() as one_connection:
            one_connection.execute_command("ASKING")
            return one_connection.get(key)

    @property
    def id(self):
        return self.say("CLUSTER", "MYID")

    def info(self):
        text = self.say("CLUSTER", "INFO")
        if isinstance(text, dict):
            return text
        return dict(line.split(":") for line in text.split("\r\n") if ":" in line)


class RedisCluster:
    """masters[0..2], replica (of masters[0]); get(), at(key); address is what tests/tools/enforcer.c reads."""

    def __init__(self, directory):
        directory = pathlib.Path(directory)
        self.masters = [Node(directory / f"node{i}") for i in range(3)]
        self.replica = Node(directory / "replica")
        self.nodes = [*self.masters, self.replica]

    @property
    def address(self):
        return ",".join(["cluster", *(n.address for n in self.nodes)])

    def start(self):
        for node in self.nodes:
            node.start()
        for epoch, (node, (first, last)) in enumerate(zip(self.masters, RANGES), 1):
            node.say("CLUSTER", "ADDSLOTSRANGE", first, last)
            node.say("CLUSTER", "SET-CONFIG-EPOCH", epoch)
        for node in self.nodes[1:]:
            self.nodes[0].say("CLUSTER", "MEET", "127.0.0.1", node.port, self._bus(node))
        eventually(lambda: all(int(n.info()["cluster_known_nodes"]) == 4 for n in self.nodes), 20, "all have met")
        self.replica.say("CLUSTER", "REPLICATE", self.masters[0].id)
        eventually(lambda: all(n.info()["cluster_state"] == "ok" and int(n.info()["cluster_slots_assigned"]) == SLOTS
                               for n in self.nodes), 20, "all slots are served")
        eventually(lambda: self.replica.client.info("replication")["master_link_status"] == "up", 20, "it replicates")
        return self

    def kill(self):
        for node in self.nodes:
            node.kill()

    def get(self, key):
        """From whichever node has it, None: nobody does."""
        for node in self.nodes:
            if not node.running():
                continue
            try:
                value = node.client.get(key)
            except redis.exceptions.ResponseError:
                continue
            if value is not None:
                return value
        return None

    def master_of(self, key):
        at = slot(key)
        return next(m for m, (first, last) in zip(self.masters, RANGES) if first <= at <= last)

    def begin_moving(self, number, source, target):
        target.say("CLUSTER", "SETSLOT", number, "IMPORTING", source.id)
        source.say("CLUSTER", "SETSLOT", number, "MIGRATING", target.id)

    def move_keys(self, number, source, target):
        """MIGRATE is over when the keys are there; commands meanwhile are pointed to where they are."""
        keys = source.say("CLUSTER", "GETKEYSINSLOT", number, 1000)
        for key in keys:
            source.say("MIGRATE", "127.0.0.1", target.port, key, 0, 5000)
        return len(keys)

    def end_moving(self, number, target):
        for node in (target, *(n for n in self.masters if n is not target)):
            if node.running():
                node.say("CLUSTER", "SETSLOT", number, "NODE", target.id)

    @staticmethod
    def _bus(node):
        return node.argv[node.argv.index("--cluster-port") + 1]
