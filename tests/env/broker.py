# SPDX-License-Identifier: Apache-2.0
"""A real Apache Kafka broker (KRaft) on loopback, run from Maven Central's jars.

By hand, from the root:  PYTHONPATH=tests build/venv/bin/python -m env.broker [PORT]"""
import dataclasses
import decimal
import fcntl
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid

import confluent_kafka
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

from env.poll import PATIENCE, eventually
from env.ports import free_port

HERE = pathlib.Path(__file__).resolve().parent / "kafka"
ROOT = HERE.parents[2]
LIBS = pathlib.Path(os.environ.get("SPANTOLL_KAFKA_LIBS", ROOT / "build" / "kafka-libs"))
CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qg"


def fetch_jars():
    """The broker's jars, once per checkout (about 60 MB)."""
    LIBS.parent.mkdir(parents=True, exist_ok=True)
    with open(str(LIBS) + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (LIBS / "complete").exists():
            return
        subprocess.run(
            ["mvn", "-q", "-B", "-Dstyle.color=never", "-f", str(HERE / "pom.xml"), "dependency:copy-dependencies",
             f"-DoutputDirectory={LIBS}", "-DincludeScope=runtime"], check=True)
        (LIBS / "complete").touch()


@dataclasses.dataclass
class Message:
    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: str | None
    value: bytes
    headers: dict  # name -> bytes

    @property
    def json(self):
        return json.loads(self.value)

    @property
    def exact(self):
        """As json, numbers with their digits: money is compared with Decimal."""
        return json.loads(self.value, parse_float=decimal.Decimal)


class Broker:
    """start, stop, kill, restart, pause, resume; topics and what is in them.

    The process outlives whoever started it (test workers come and go): owner_pid's end ends it."""

    FORMAT = ()  # more arguments for the storage tool
    REPLICAS = 1  # of a topic

    def __init__(self, directory, port=None, owner_pid=None):
        self.dir = pathlib.Path(directory)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.owner_pid = owner_pid or os.getpid()
        saved = self.dir / "ports"
        if saved.exists():
            self.port, self.controller_port = map(int, saved.read_text().split())
        else:
            self.port, self.controller_port = port or free_port(), free_port()
            saved.write_text(f"{self.port} {self.controller_port}")
        self._admin = None

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    @property
    def log(self):
        path = self.dir / "kafka.log"
        return path.read_text(errors="replace") if path.exists() else ""

    # ---- process ----

    def start(self, timeout=120):
        """Returns when the broker answers. After kill() it has to recover: 20 s and more."""
        fetch_jars()
        config = self._write_config()
        if not (self.dir / "data" / "meta.properties").exists():
            subprocess.run(self._java("kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", config,
                                      *self.FORMAT), check=True, stdout=subprocess.DEVNULL)
        with open(self.dir / "kafka.log", "ab") as out:
            child = subprocess.Popen(self._java("kafka.Kafka", config), stdin=subprocess.DEVNULL, stdout=out,
                                     stderr=subprocess.STDOUT, start_new_session=True)
        (self.dir / "pid").write_text(str(child.pid))
        self._watch_owner()
        deadline = time.monotonic() + timeout * PATIENCE
        while not self._answers():
            if child.poll() is not None:
                raise AssertionError(f"Kafka ended with {child.returncode}:\n{self.log[-2000:]}")
            if time.monotonic() > deadline:
                raise AssertionError(f"Kafka does not answer:\n{self.log[-2000:]}")
            time.sleep(0.1)
        return self

    def stop(self, timeout=60):
        """Orderly: what was acknowledged is on disk, the next start is quick."""
        self._signal(signal.SIGCONT)
        self._signal(signal.SIGTERM)
        eventually(lambda: not self.running(), timeout, "Kafka ends after SIGTERM")

    def kill(self):
        self._signal(signal.SIGKILL)
        eventually(lambda: not self.running(), 10, "Kafka ends after SIGKILL")

    def restart(self, timeout=120):
        if self.running():
            self.stop()
        return self.start(timeout)

    def pause(self):
        """Alive for TCP, silent: what a long garbage collection or a frozen disk looks like."""
        self._signal(signal.SIGSTOP)

    def resume(self):
        self._signal(signal.SIGCONT)

    def running(self):
        try:
            pid = int((self.dir / "pid").read_text())
            os.waitpid(pid, os.WNOHANG)  # reaps our own child
        except (ChildProcessError, FileNotFoundError, ValueError):
            pass
        try:
            state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (OSError, UnboundLocalError):
            return False
        return state != "Z"

    def dispose(self):
        """The end: process and data."""
        self.kill()
        shutil.rmtree(self.dir, ignore_errors=True)

    # ---- topics ----

    def topic(self, name=None, partitions=12, config=None):
        """Creates a topic (of an own name when none is given) and returns its name."""
        name = name or f"t-{uuid.uuid4().hex[:12]}"
        new = NewTopic(name, num_partitions=partitions, replication_factor=self.REPLICAS,
                       config=config or {})
        self.admin.create_topics([new])[name].result(120)
        eventually(lambda: self._partitions(name) == partitions, 30, f"topic {name} is known")
        return name

    def ensure_topic(self, name, partitions=12):
        """For a topic that several tests share: creates it when it is not there."""
        try:
            return self.topic(name, partitions)
        except confluent_kafka.KafkaException as e:
            if e.args[0].code() != confluent_kafka.KafkaError.TOPIC_ALREADY_EXISTS:
                raise
            return name

    def add_partitions(self, name, total):
        self.admin.create_partitions([NewPartitions(name, total)])[name].result(120)

    def delete_topic(self, name):
        self.admin.delete_topics([name])[name].result(120)
        eventually(lambda: not self._partitions(name), 30, f"topic {name} is gone")

    def topics(self):
        return {t: len(m.partitions) for t, m in self.admin.list_topics(timeout=60).topics.items()}

    def count(self, topic):
        """Messages in the topic now."""
        consumer = self._consumer()
        try:
            ends = (_watermarks(consumer, topic, p) for p in range(self._partitions(topic)))
            return sum(high - low for low, high in ends)
        finally:
            consumer.close()

    def read(self, topic, at_least=0, timeout=30):
        """Everything in the topic from its beginning, at_least so many messages (waits for them),
        ordered by partition and offset."""
        if at_least:
            eventually(lambda: self.count(topic) >= at_least, timeout, f"{at_least} messages in {topic}")
        consumer = self._consumer()
        try:
            return self._drain(consumer, topic, timeout)
        finally:
            consumer.close()

    def records(self, topic, at_least=0, timeout=30):
        """The values as JSON."""
        return [m.json for m in self.read(topic, at_least, timeout)]

    @property
    def admin(self):
        if self._admin is None:
            self._admin = AdminClient({"bootstrap.servers": self.address, "log_level": 0})
        return self._admin

    # ---- inside ----

    def _consumer(self):
        return confluent_kafka.Consumer({
            "bootstrap.servers": self.address, "group.id": f"test-{uuid.uuid4().hex}",
            "enable.auto.commit": False, "enable.partition.eof": True, "log_level": 0,
            "fetch.message.max.bytes": 10485760})

    def _drain(self, consumer, topic, timeout):
        ends = {}
        for p in range(self._partitions(topic)):
            low, high = _watermarks(consumer, topic, p)
            if high > low:
                ends[p] = high
        consumer.assign([confluent_kafka.TopicPartition(topic, p, confluent_kafka.OFFSET_BEGINNING)
                         for p in ends])
        found, open_parts = [], set(ends)
        deadline = time.monotonic() + timeout * PATIENCE
        while open_parts:
            if time.monotonic() > deadline:
                raise AssertionError(f"{topic}: partitions {sorted(open_parts)} not read within {timeout * PATIENCE} s")
            for m in consumer.consume(5000, 0.2):
                error = m.error()
                if error is not None:
                    if error.code() != confluent_kafka.KafkaError._PARTITION_EOF:
                        raise confluent_kafka.KafkaException(error)
                    open_parts.discard(m.partition())
                elif m.offset() < ends[m.partition()]:
                    found.append(_message(m))
                    if m.offset() == ends[m.partition()] - 1:
                        open_parts.discard(m.partition())
        return sorted(found, key=lambda m: (m.partition, m.offset))

    def _partitions(self, topic):
        known = self.admin.list_topics(timeout=60).topics
        return len(known[topic].partitions) if topic in known else 0

    def _answers(self):
        probe = AdminClient({"bootstrap.servers": self.address, "log_level": 0})
        try:
            return bool(probe.list_topics(timeout=5).brokers)
        except confluent_kafka.KafkaException:
            return False

    def _write_config(self):
        text = (HERE / "server.properties.in").read_text()
        words = {"@PORT@": self.port, "@CONTROLLER_PORT@": self.controller_port, "@DATA@": self.dir / "data"}
        for word, value in words.items():
            text = text.replace(word, str(value))
        path = self.dir / "server.properties"
        path.write_text(text)
        return str(path)

    def _java(self, main, *args):
        return ["java", "-Xms128m", "-Xmx768m", "-XX:TieredStopAtLevel=1",
                f"-Dlog4j.configuration=file:{HERE}/log4j.properties", "-cp", f"{LIBS}/*", main, *args]

    def _watch_owner(self):
        script = 'while kill -0 "$1" 2>/dev/null && kill -0 "$2" 2>/dev/null; do sleep 1; done; kill -9 "$2"'
        subprocess.Popen(["sh", "-c", script, "sh", str(self.owner_pid), (self.dir / "pid").read_text()],
                         start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)

    def _signal(self, number):
        if self.running():
            os.kill(int((self.dir / "pid").read_text()), number)


def _watermarks(consumer, topic, partition):
    """(first, next) offset. A partition that was made or recovered a moment ago may have no leader yet."""
    part = confluent_kafka.TopicPartition(topic, partition)
    return eventually(lambda: consumer.get_watermark_offsets(part, timeout=10), 30, f"{topic}/{partition} answers")


def _message(m):
    key = m.key()
    return Message(m.topic(), m.partition(), m.offset(), m.timestamp()[1],
                   key.decode() if key is not None else None, m.value(), dict(m.headers() or []))


def shared_broker(directory, owner_pid):
    """One broker for all test workers: whoever comes first starts it, the others wait and join."""
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    with open(directory / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        broker = Broker(directory / "broker", owner_pid=owner_pid)
        if not broker.running():
            broker.start()
        return broker


def main():
    directory = tempfile.mkdtemp(prefix="spantoll-kafka-")
    broker = Broker(directory, port=int(sys.argv[1]) if len(sys.argv) > 1 else None).start()
    print(f"Kafka on {broker.address}, Ctrl-C ends it", flush=True)
    try:
        signal.pause()
    except KeyboardInterrupt:
        pass
    finally:
        broker.dispose()


if __name__ == "__main__":
    main()
