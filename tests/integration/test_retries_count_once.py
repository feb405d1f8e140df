# SPDX-License-Identifier: Apache-2.0
"""One answer of five never reaches its client, which sends the same bytes again: nothing is lost, nothing is counted
twice, whatever happens to the daemon and to Kafka meanwhile."""
import time

import pytest

from env import conservation
from env.broker_cluster import Cluster
from env.cutter import Cutter, Grpc, Http
from env.journaled import journaled
from env.poll import eventually
from env.sender import Sender


@pytest.fixture
def cluster(tmp_path):
    made = Cluster(tmp_path / "kafka")
    try:
        yield made.start()
    finally:
        made.dispose()


class Rig:
    def __init__(self, spantoll, kafka, redis, prices, directory, rate=1500):
        self.kafka, self.redis, self.topic = kafka, redis, kafka.topic(partitions=3)
        self.daemon = spantoll(**journaled(directory / "storage", kafka, self.topic, prices, redis))
        self.wires = Cutter(self.daemon.grpc_port, Grpc), Cutter(self.daemon.http_port, Http)
        self.sender = Sender(self.wires[0].address, self.wires[1].port, size=50, workers=2, rate=rate).start()

    def answers(self, count):
        """Waits for so many answers on each wire from now on."""
        want = [w.passed + count for w in self.wires]
        eventually(lambda: all(w.passed >= n for w, n in zip(self.wires, want)), 30, f"{count} answers on each wire")

    def check(self):
        self.sender.stop()
        assert not self.sender.unknown
        for wire in self.wires:
            assert wire.cut > 0.1 * wire.passed > 0, (wire.cut, wire.passed)
        found = conservation.on_kafka(self.kafka, self.topic, self.sender)
        conservation.in_redis(self.redis.client, self.sender.spent())
        print(f"{self.sender.acknowledged_spans} spans, {sum(w.cut for w in self.wires)} answers cut, {found.repeated} repeats")
        return found


def test_lost_answers_over_a_crash_and_a_restart_count_once(spantoll, kafka, quick_redis, prices, tmp_path):
    rig = Rig(spantoll, kafka, quick_redis, prices, tmp_path)
    rig.answers(20)
    rig.daemon.restart(kill=True)
    rig.answers(20)
    assert rig.daemon.stop() == 0
    rig.daemon.start()
    rig.answers(20)
    rig.check()


@pytest.mark.full
def test_three_brokers_restarted_in_turn_under_lost_answers(spantoll, cluster, redis_server, prices, tmp_path):
    rig = Rig(spantoll, cluster, redis_server, prices, tmp_path)
    for node in cluster.nodes:
        rig.answers(20)
        node.stop()
        rig.answers(20)
        node.start()
        time.sleep(2)  # it takes its partitions back
    for node in cluster.nodes:
        node.kill()
        rig.answers(10)
        node.start()
    assert rig.check().repeated == 0, "the producer is idempotent, and nobody was killed between Kafka's answer and the cursor"
