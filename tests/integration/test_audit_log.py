# SPDX-License-Identifier: Apache-2.0
"""The audit log: a line that was acknowledged is there after a kill -9, and what somebody changes is found."""
import hashlib
import json
import os
import pathlib
import random
import subprocess

import pytest

from env import otlp
from env.daemon import BINARY
from env.poll import eventually
from env.process import DIE_WITH_PARENT

pytestmark = pytest.mark.core

WRITER = pathlib.Path(os.environ.get("SPANTOLL_TOOLS", "build/release/tools")) / "audit_log"


def write_and_kill(path, lines):
    """The last line that was acknowledged before the writer was killed, in the middle of its work."""
    with subprocess.Popen([*DIE_WITH_PARENT, WRITER, path, "1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as writer:
        for _ in range(lines):
            acknowledged = writer.stdout.readline()
        writer.kill()
        rest = writer.stdout.read().split()
        assert acknowledged, writer.stderr.read()
    return int(rest[-1] if rest else acknowledged)


def verify(path, *flags):
    return subprocess.run([BINARY, "budget", "audit", "--verify", path, *flags], capture_output=True, text=True, timeout=60)


def files_of(path):
    return [*sorted(path.parent.glob(f"{path.stem}-*{path.suffix}")), path]


def read_as_documented(path):
    """The chain as the documentation tells it: by other means than the program's. Yields the records."""
    before = "0" * 64
    text = "".join(f.read_text() for f in files_of(path))
    for number, line in enumerate(text[:text.rindex("\n")].splitlines(), 1):  # the last one may be unfinished
        record = json.loads(line)
        assert (record["seq"], record["prev"]) == (number, before)
        bare = line.removesuffix(f',"hash":"{record["hash"]}"}}') + "}"
        assert hashlib.sha256((before + bare).encode()).hexdigest() == record["hash"]
        before = record["hash"]
        yield record


def test_a_killed_writer_loses_nothing_that_was_acknowledged(tmp_path):
    path = tmp_path / "audit.jsonl"
    dice = random.Random(4)
    acknowledged = 0
    for _ in range(12):
        acknowledged = max(acknowledged, write_and_kill(path, dice.randrange(1, 200)))
        report = json.loads(verify(path, "--json").stdout)
        assert report["whole"] and report["last_seq"] >= acknowledged, report
    assert subprocess.run([WRITER, path, "1", "1"], stdout=subprocess.DEVNULL).returncode == 0
    done = verify(path, "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 0 and report["whole"] and report["unfinished_bytes"] == 0
    assert report["files"] == len(files_of(path)) > 1
    *_, last = read_as_documented(path)
    assert (last["seq"], last["hash"]) == (report["last_seq"], report["last_hash"])
    assert last["seq"] > acknowledged and all(f.stat().st_mode & 0o777 == 0o600 for f in files_of(path))


def test_tampering_is_found_at_its_line(tmp_path):
    path = tmp_path / "audit.jsonl"
    assert subprocess.run([WRITER, path, "0", "20"], stdout=subprocess.DEVNULL).returncode == 0
    whole = verify(path)
    assert whole.returncode == 0 and whole.stdout.startswith("Whole: 20 lines in 1 file, seq 1 to 20.")
    lines = path.read_text().splitlines(keepends=True)
    for line, text, why in [
        (7, lines[:6] + [lines[6].replace('"n":6', '"n":9')] + lines[7:], "its hash does not fit"),
        (8, lines[:7] + lines[8:], "seq 9 stands after 7: lines are missing"),
        (6, lines[:4] + [lines[5], lines[4]] + lines[6:], None),
    ]:
        path.write_text("".join(text))
        done = verify(path)
        assert done.returncode == 1
        if why:
            assert done.stdout.startswith(f"{path}:{line}: {why}"), done.stdout
    broken = json.loads(verify(path, "--json").stdout)
    assert not broken["whole"] and broken["broken"]["line"] == 5 and broken["lines"] == 4


def test_what_is_no_log_is_said(tmp_path):
    missing = verify(tmp_path / "none.jsonl")
    assert missing.returncode == 1 and "No such file" in missing.stderr
    (tmp_path / "app.log").write_text("hello\n")
    done = verify(tmp_path / "app.log")
    assert done.returncode == 1 and ":1: not a line of an audit log" in done.stdout


@pytest.fixture
def throttling(spantoll, prices, redis_server):
    """A daemon with an audit log that flags at the first window over $1."""
    def start(path, **more):
        return spantoll(
            processors={"pricing": {"file": prices({"shop:/pay": "1", "chat:/pay": "1"})}, "cost": {}},
            exporters={"enforcer": {"redis": {"endpoints": [redis_server.address]}, "evaluation_window": "1s", "flush_interval": "100ms",
                                    "ema": {"alpha": 1, "windows": 1}, "budgets": [{"limit": 1, "window": "1h"}],
                                    "throttle": {"max_throttled_fraction": 1}, "audit": {"path": str(path)}, **more}})
    return start


def overspend(daemon, service="shop"):
    assert daemon.export(otlp.many(service, 1, "/pay", duration_ms=5)).ok


def flag(redis_server, service="shop"):
    return redis_server.client.get(f"enforce:throttle:{service}") == "true"


def test_a_flag_stands_in_the_log_before_it_is_set_and_the_log_survives_kill(throttling, redis_server, tmp_path):
    path = tmp_path / "audit.jsonl"
    daemon = throttling(path)
    overspend(daemon)
    eventually(lambda: flag(redis_server), 20, "the flag is set", every=0.001)
    daemon.kill()
    with open(path, "a") as torn:  # as if it had died in the middle of a line
        torn.write('{"seq":99,"prev":"')
    pending = next(r for r in read_as_documented(path))
    assert (pending["what"], pending["change"], pending["subject"]) == ("pending", "set", "shop")
    assert pending["spent_usd"] == 5 and pending["limit_usd"] == 1
    before = json.loads(verify(path, "--json").stdout)
    assert before["whole"]
    # Another daemon goes on with the file.
    daemon = throttling(path)
    overspend(daemon, "chat")
    eventually(lambda: flag(redis_server, "chat"), 20, "the next flag is set")
    assert daemon.metric("spantoll_enforcer_audit_torn_bytes") == 18 and "ended in the middle of a line" in daemon.log
    assert daemon.stop() == 0
    after = json.loads(verify(path, "--json").stdout)
    assert after["whole"] and after["last_seq"] > before["last_seq"] and after["unfinished_bytes"] == 0



def is_degraded(daemon):
    state = next(c for c in daemon.status()["components"] if c["component"] == "exporter/enforcer")
    return "the audit log cannot be written" in json.dumps(state)


@pytest.mark.parametrize("store", ["redis", "memory"])
def test_a_log_that_cannot_be_written_is_told_before_the_first_flag(throttling, redis_server, tmp_path, store):
    path = tmp_path / "later" / "audit.jsonl"
    daemon = throttling(path, store=store)
    eventually(lambda: is_degraded(daemon), 20, "the health says so")
    assert "audit::path" in daemon.log and "No such file" in daemon.log and daemon.ready()
    path.parent.mkdir()
    eventually(lambda: not is_degraded(daemon), 20, "it heals without a flag")
    assert path.exists() and daemon.stop() == 0


def test_a_flag_that_redis_lost_is_set_again_only_with_a_record(throttling, redis_server, tmp_path):
    path = tmp_path / "logs" / "audit.jsonl"
    path.parent.mkdir()
    daemon = throttling(path)
    overspend(daemon)
    eventually(lambda: flag(redis_server), 20, "the flag is set")
    redis_server.client.delete("enforce:throttle:shop")
    eventually(lambda: flag(redis_server), 20, "the flag is set again")
    eventually(lambda: [(r["what"], r["change"]) for r in read_as_documented(path)][2:4] == [("pending", "restore"), ("done", "restore")],
               20, "with a record")
    path.parent.rename(tmp_path / "elsewhere")
    redis_server.client.delete("enforce:throttle:shop")
    eventually(lambda: daemon.metric("spantoll_enforcer_flags_released") >= 1, 20, "without one it is given up")
    assert not flag(redis_server)
    (tmp_path / "elsewhere").rename(path.parent)
    eventually(lambda: flag(redis_server), 20, "and set anew once there is a log")


def test_without_a_record_no_flag_is_set(throttling, redis_server, tmp_path):
    path = tmp_path / "later" / "audit.jsonl"
    daemon = throttling(path)
    overspend(daemon)
    eventually(lambda: daemon.metric("spantoll_enforcer_audit_failures") >= 2, 20, "it is counted")
    assert not flag(redis_server) and "the audit log cannot be written" in daemon.log
    path.parent.mkdir()
    eventually(lambda: flag(redis_server), 20, "the flag is set once there is a record")
    assert daemon.stop() == 0
    assert [r["what"] for r in read_as_documented(path)][:2] == ["pending", "done"]
