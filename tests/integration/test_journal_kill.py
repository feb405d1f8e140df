# SPDX-License-Identifier: Apache-2.0
"""A process that writes a journal is killed at any moment: every acknowledged record is found again."""
import os
import pathlib
import random
import subprocess
import time

import pytest

TOOL = pathlib.Path(os.environ.get("SPANTOLL_TOOLS", "build/release/tools")) / "journal"


def lines_of(text):
    for line in text.splitlines():
        what, a, b = line.split()
        yield what, int(a), int(b)


def write_and_kill(directory, first_id, rnd):
    """What the process said until it was killed."""
    writer = subprocess.Popen([TOOL, "write", directory, str(first_id)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    said = writer.stdout.readline()  # it is at work
    os.set_blocking(writer.stdout.fileno(), False)
    until = time.monotonic() + rnd.uniform(0, 0.2)
    while (left := until - time.monotonic()) > 0:
        said += writer.stdout.read() or b""  # a full pipe would stop it
        time.sleep(min(left, 0.005))
    writer.kill()
    os.set_blocking(writer.stdout.fileno(), True)
    rest, errors = writer.communicate()
    assert not errors, errors
    return list(lines_of((said + rest).decode()))


def read_back(directory):
    run = subprocess.run([TOOL, "read", directory], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    found = list(lines_of(run.stdout))
    assert found[-1][0] == "end"
    return found


def value(found, what):
    return next(a for kind, a, _ in found if kind == what)


def one_round(directory, acked, done, rnd):
    said = write_and_kill(directory, max(acked, default=0) + 1000, rnd)
    acked |= {a: b for what, a, b in said if what == "ack"}
    done = max([done] + [a for what, a, _ in said if what == "done"])
    found = read_back(directory)
    records = {b: a for what, a, b in found if what == "record"}
    begin = value(found, "begin")
    assert value(found, "open") <= 2000
    assert not [f for f in found if f[0] == "gap"]
    assert begin <= value(found, "cursor") <= done, "what nobody had done was passed"
    assert sorted(records) == list(range(begin, begin + len(records)))
    missing = {i: seq for i, seq in acked.items() if seq >= begin and records.get(seq) != i}
    assert not missing, f"acknowledged and not found: {list(missing.items())[:5]}"
    return done


def kill_often(directory, rounds):
    seed = random.SystemRandom().randrange(2**32)
    rnd, acked, done = random.Random(seed), {}, 0
    for number in range(rounds):
        try:
            done = one_round(directory, acked, done, rnd)
        except AssertionError as e:
            raise AssertionError(f"seed {seed}, round {number}: {e}") from e
    assert len(acked) > rounds * 10 and done > 0


def test_what_was_acknowledged_survives_thirty_kills(tmp_path):
    kill_often(tmp_path / "journal", 30)


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_what_was_acknowledged_survives_a_thousand_kills(tmp_path):
    kill_often(tmp_path / "journal", 1000)


def test_two_processes_cannot_have_one_journal(tmp_path):
    directory = tmp_path / "journal"
    writer = subprocess.Popen([TOOL, "write", directory, "1"], stdout=subprocess.PIPE)
    try:
        assert writer.stdout.readline()
        second = subprocess.run([TOOL, "read", directory], capture_output=True, text=True, timeout=60)
        assert second.returncode == 1 and "in use by another process" in second.stderr
    finally:
        writer.kill()
        writer.communicate()
    read_back(directory)  # the lock went with the process
