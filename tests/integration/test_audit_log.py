# SPDX-License-Identifier: Apache-2.0
"""The audit log: a line that was acknowledged is there after a kill -9, and what somebody changes is found."""
import hashlib
import json
import os
import pathlib
import random
import subprocess

import pytest

from env.daemon import BINARY
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
    for number, line in enumerate("".join(f.read_text() for f in files_of(path)).splitlines(), 1):
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
