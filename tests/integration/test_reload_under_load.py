# SPDX-License-Identifier: Apache-2.0
"""200 reloads while clients send: nothing acknowledged is lost or written twice, nobody is refused, nothing grows."""
import json
import os
import threading

import pytest

from env import otlp
from env.daemon import BINARY
from env.poll import eventually

pytestmark = pytest.mark.core

RELOADS, WARM = 200, 40
SANITIZED = "asan" in BINARY.parts or "tsan" in BINARY.parts  # they keep what was freed


class Senders:
    """Clients that send all the time; what was acknowledged, and what was not."""

    def __init__(self, daemon, count=3):
        self.daemon, self.stop, self.acknowledged, self.refused = daemon, threading.Event(), set(), []
        self.threads = [threading.Thread(target=self.send) for _ in range(count)]

    def send(self):
        client = self.daemon.new_client()
        while not self.stop.wait(0.002):
            request = otlp.many("shop", 20, "buy")
            answer = client.export(request, wait_for_ready=False)
            if answer.ok:
                self.acknowledged.update(s.span_id.hex() for _, s in otlp.spans_of(request))
            else:
                self.refused.append(answer)

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for t in self.threads:
            t.join()


def resident_kib(pid):
    return int(open(f"/proc/{pid}/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def open_files(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def variants(tmp_path, prices):
    """Configurations to go through: components come, go, change; "all" changes what it is but not where it writes."""
    def out(name, **more):
        return {"path": str(tmp_path / f"{name}.jsonl"), "encoding": "json", "required": True, **more}

    pricing = [{"file": prices({"shop:buy": f"0.00{n}"}, f"{n}.json")} for n in (1, 2)]
    batch = {"sending_queue": {"batch": {"min_size": 50, "flush_timeout": "100ms"}}}
    return [
        {"exporters": {"file/all": out("all")}, "processors": {}},
        {"exporters": {"file/all": out("all"), "file/b": out("b", append=True)},
         "processors": {"pricing": pricing[0], "cost": {}}},
        {"exporters": {"file/all": out("all", **batch)}, "processors": {"pricing": pricing[1], "cost": {}}},
        {"exporters": {"file/all": out("all", **batch), "nop": {}},
         "processors": {"memory_limiter": {"check_interval": "1s", "limit_mib": 300}, "hash_path": {}}},
    ]


def test_200_reloads_lose_nothing_and_refuse_nobody(spantoll, tmp_path, prices):
    configs = variants(tmp_path, prices)
    daemon = spantoll(**configs[0], args=["--no-watch"])
    marks = {}
    with Senders(daemon) as senders:
        for i in range(1, RELOADS + 1):
            daemon.reload(**configs[i % len(configs)], timeout=30)
            if i in (WARM, RELOADS):
                eventually(lambda: len(daemon.status()["components"]) == 4, 20, "what retires has gone")
                marks[i] = resident_kib(daemon.child.pid), open_files(daemon.child.pid)
    assert not senders.refused, senders.refused[:3]
    assert len(senders.acknowledged) > 20 * RELOADS
    assert daemon.metric("otelcol_receiver_accepted_spans", receiver="otlp") == len(senders.acknowledged)
    eventually(lambda: len(daemon.status()["components"]) == 4, 20, "what was replaced has retired")
    assert daemon.stop() == 0
    found = [json.loads(line)["span_id"] for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    assert len(found) == len(set(found))
    assert set(found) == senders.acknowledged
    assert marks[RELOADS][1] <= marks[WARM][1] + 3, marks
    assert SANITIZED or marks[RELOADS][0] <= marks[WARM][0] + 8192, marks
    assert "lost" not in daemon.log


def test_a_receiver_that_changes_under_load_loses_nothing(spantoll, tmp_path):
    """Clients are told to reconnect; a request that crosses that word is not acknowledged and comes again."""
    def config(size):
        grpc = {"endpoint": "@GRPC@", "max_recv_msg_size_mib": size}
        return {"receivers": {"otlp": {"protocols": {"grpc": grpc}}},
                "exporters": {"file": {"path": str(tmp_path / "all.jsonl"), "encoding": "json", "required": True}}}

    daemon = spantoll(**config(4))
    with Senders(daemon) as senders:
        for i in range(10):
            daemon.reload(**config(5 + i % 2))
    assert daemon.stop() == 0
    found = {json.loads(line)["span_id"] for line in (tmp_path / "all.jsonl").read_text().splitlines()}
    assert senders.acknowledged <= found
    assert {a.code for a in senders.refused} <= otlp.RETRYABLE
