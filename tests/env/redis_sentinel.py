# SPDX-License-Identifier: Apache-2.0
"""A primary with one replica, watched by three Sentinels; all with passwords, the Sentinels with the documented user."""
import pathlib
import re

import redis

from env.daemon import ROOT
from env.poll import eventually
from env.ports import free_port
from env.process import Process
from env.redis_server import RedisServer

NAME, PASSWORD, SENTINEL_PASSWORD = "mymaster", "geheim", "wachsam"
DOWN_AFTER_MS = 500
OPTIONS = ("--requirepass", PASSWORD, "--masterauth", PASSWORD, "--appendonly", "no",
           "--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1")


# What docs/operations.md says that a Sentinel's user needs.
ACL = re.search(r"`ACL SETUSER spantoll on >SECRET ([^`]*sentinel[^`]*)`", (ROOT / "docs/operations.md").read_text())[1]


class Sentinel(Process):
    def __init__(self, directory, primary):
        self.port = free_port()
        config = pathlib.Path(directory)
        config.write_text(f"""port {self.port}
bind 127.0.0.1
sentinel monitor {NAME} 127.0.0.1 {primary.port} 2
sentinel auth-pass {NAME} {PASSWORD}
sentinel down-after-milliseconds {NAME} {DOWN_AFTER_MS}
sentinel failover-timeout {NAME} 3000
requirepass {SENTINEL_PASSWORD}
sentinel sentinel-pass {SENTINEL_PASSWORD}
user spantoll on >nichtsnutz {ACL}
""")
        super().__init__(["redis-server", config, "--sentinel"], config.with_suffix(".log"))
        self.client = redis.Redis("127.0.0.1", self.port, password=SENTINEL_PASSWORD, decode_responses=True,
                                  socket_timeout=10)


class SentinelSet:
    """primary and replica (RedisServer), sentinels; address is what tests/tools/enforcer.c reads."""

    def __init__(self, directory):
        directory = pathlib.Path(directory)
        self.primary = RedisServer(directory / "primary", OPTIONS, password=PASSWORD)
        self.replica = RedisServer(directory / "replica", [*OPTIONS, "--replicaof", f"127.0.0.1 {self.primary.port}"],
                                   password=PASSWORD)
        self.sentinels = [Sentinel(directory / f"sentinel{i}.conf", self.primary) for i in range(3)]

    @property
    def endpoints(self):
        return [f"127.0.0.1:{s.port}" for s in self.sentinels]

    @property
    def address(self):
        return ",".join([f"sentinel={NAME}", f"password={PASSWORD}", "sentinel_user=spantoll", "sentinel_password=nichtsnutz",
                         *self.endpoints])

    @property
    def processes(self):
        return [self.primary, self.replica, *self.sentinels]

    def start(self):
        self.primary.start()
        self.replica.start()
        for sentinel in self.sentinels:
            sentinel.spawn()
        eventually(self._agree, 20, "the Sentinels know the replica and each other")
        return self

    def stall_replica(self):
        """From here on the primary acknowledges what the replica never gets: it cannot sign in any more."""
        self.replica.client.config_set("masterauth", "wrong")
        self.primary.client.client_kill_filter(_type="replica")
        eventually(lambda: self.replica.client.info("replication")["master_link_status"] == "down", 5, "the link is down")

    def kill(self):
        for process in self.processes:
            process.kill()

    def _agree(self):
        states = [s.client.sentinel_master(NAME) for s in self.sentinels]
        linked = self.replica.client.info("replication")["master_link_status"] == "up"
        return linked and all(s["num-slaves"] == 1 and s["num-other-sentinels"] == 2 for s in states)
