# SPDX-License-Identifier: Apache-2.0
"""Three real brokers that are one Kafka: every topic on all of them, two are enough to write."""
import pathlib
import threading

from env.broker import Broker


class Node(Broker):
    def __init__(self, directory, number, **kw):
        super().__init__(directory, **kw)
        self.number, self.voters = number, ""

    def _write_config(self):
        path = pathlib.Path(super()._write_config())
        own = {"node.id": self.number, "controller.quorum.voters": self.voters, "min.insync.replicas": 2,
               "offsets.topic.replication.factor": 3, "transaction.state.log.replication.factor": 3,
               # Restarts in seconds, on machines that are busy with other things.
               "controlled.shutdown.max.retries": 1, "replica.lag.time.max.ms": 5000}
        lines = [line for line in path.read_text().splitlines() if line.split("=")[0] not in own]
        path.write_text("\n".join(lines + [f"{k}={v}" for k, v in own.items()]) + "\n")
        return str(path)


class Cluster(Broker):
    """As a Broker to whoever asks for topics and messages; .nodes are to be hurt."""

    REPLICAS = 3

    def __init__(self, directory, owner_pid=None):
        directory = pathlib.Path(directory)
        self.nodes = [Node(directory / str(n), n, owner_pid=owner_pid) for n in (1, 2, 3)]
        super().__init__(directory, owner_pid=owner_pid)
        for node in self.nodes:
            node.voters = ",".join(f"{n.number}@127.0.0.1:{n.controller_port}" for n in self.nodes)

    @property
    def address(self):
        return ",".join(n.address for n in self.nodes)

    @property
    def log(self):
        return "\n".join(n.log[-3000:] for n in self.nodes)

    def start(self, timeout=120):
        """None answers alone."""
        starts = [threading.Thread(target=node.start, args=(timeout,)) for node in self.nodes]
        for t in starts:
            t.start()
        for t in starts:
            t.join()
        assert all(node.running() for node in self.nodes), self.log
        return self

    def dispose(self):
        for node in self.nodes:
            node.dispose()
