# SPDX-License-Identifier: Apache-2.0
"""A journal with flipped bits and files that were cut: the daemon starts in time, delivers every intact record, counts what
is missing, and does not loop."""
import json
import random
import shutil
import time

import pytest

from env.poll import PATIENCE, eventually
from env.sender import Sender

READY_S = 2
REQUESTS, SIZE = 60, 20


def settings(directory, out):
    """Delivered to a file: who reads it is not the point."""
    return {
        "exporters": {"file": {"path": str(out), "encoding": "json", "required": True,
                               "retry_on_failure": {"initial_interval": "100ms"},
                               "sending_queue": {"storage": "file_storage"}}},
        "extensions": {"file_storage": {"directory": str(directory), "segment_size": "64KiB"}}}


def ids_in(path):
    return [json.loads(line)["span_id"] for line in path.read_text().splitlines()] if path.exists() else []


class Journal:
    """A directory with requests that were acknowledged and went nowhere, and a daemon that is given copies of it."""

    def __init__(self, spantoll, directory):
        self.out, self.storage, self.kept = directory / "out.jsonl", directory / "storage", directory / "kept"
        self.daemon = spantoll(**settings(self.storage, "/dev/full"))
        sender = Sender(self.daemon.grpc, size=SIZE)
        for _ in range(REQUESTS):
            sender.send_one()
        self.sent = {i.hex() for i in sender.acknowledged}
        self.daemon.kill()
        shutil.copytree(self.storage, self.kept)
        self.daemon.config_path.write_text(self.daemon.config_text(**settings(self.storage, self.out)))

    def files(self):
        return sorted(f for f in self.storage.rglob("*") if f.is_file() and f.name != "lock" and f.stat().st_size)

    def start_with(self, damage):
        """What was delivered, after some damage(files)."""
        shutil.rmtree(self.storage)
        self.out.unlink(missing_ok=True)
        shutil.copytree(self.kept, self.storage)
        what = damage(self.files())
        begin = time.monotonic()
        self.daemon.start()
        took = time.monotonic() - begin
        assert took <= READY_S * PATIENCE, f"{what}: ready after {took:.1f} s"
        eventually(lambda: self.behind() == 0, 20, f"{what}: everything that is left is delivered")
        lost, calm = self.lost(), self.daemon.cpu_seconds()
        time.sleep(0.05)
        assert self.daemon.cpu_seconds() - calm < 0.04, f"{what}: it does not come to rest"
        assert self.daemon.stop() == 0, what
        ids = ids_in(self.out)
        assert set(ids) <= self.sent and len(ids) == len(set(ids)), f"{what}: spans that nobody sent, or twice"
        return what, ids, lost

    def behind(self):
        return self.daemon.metric("spantoll_exporter_behind_spans", exporter="file")

    def lost(self):
        return sum(int(self.daemon.metric(f"spantoll_exporter_journal_{why}_spans", exporter="file"))
                   for why in ("gap", "undecodable"))


# Damage says what it did, how many spans may be missing, and how many of them nobody can know of: damaged groups at the
# very end may as well have been torn by a crash, and what follows them never have been written.

def flip(dice):
    def damage(files):
        file, bits = dice.choice(files), dice.choice((1, 1, 8))
        data = bytearray(file.read_bytes())
        for _ in range(bits):
            data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        file.write_bytes(data)
        return f"{bits} bits of {file.name}", bits * SIZE if is_segment(file) else 0, bits * SIZE
    return damage


def cut(dice):
    def damage(files):
        file = dice.choice(files)
        last = file == [f for f in files if is_segment(f)][-1]
        file.write_bytes(file.read_bytes()[:dice.randrange(file.stat().st_size)])
        all_of_it = REQUESTS * SIZE if is_segment(file) else 0
        return f"{file.name} is cut to {file.stat().st_size}", all_of_it, all_of_it if last else 0
    return damage


def is_segment(file):
    return file.suffix == ".journal"


def nothing(files):
    return "nothing", 0, 0


def damage_often(journal, rounds):
    seed = random.SystemRandom().randrange(2**32)
    dice = random.Random(seed)
    for number in range(rounds + 1):
        damage = dice.choice((flip, flip, cut))(dice) if number else nothing
        (what, most, unknown), ids, lost = journal.start_with(damage)
        missing = len(journal.sent) - len(ids)
        told = f"seed {seed}, round {number}: {what}: {missing} spans missing, {lost} counted as lost"
        assert missing <= most and lost <= missing <= lost + unknown, told


def checkpoint_lost(files):
    for file in files:
        if file.name == "checkpoint":
            file.write_bytes(b"")
    return "no checkpoint", 0, 0


def test_without_its_checkpoint_all_is_delivered_and_no_loss_is_told(spantoll, tmp_path):
    journal = Journal(spantoll, tmp_path)
    what, ids, lost = journal.start_with(checkpoint_lost)
    assert set(ids) == journal.sent and not lost, what
    assert "no usable checkpoint" in journal.daemon.log
    assert "all that follow it have a place in it again" in journal.daemon.log and "any more" not in journal.daemon.log


def test_a_damaged_journal_is_started_with(spantoll, tmp_path):
    damage_often(Journal(spantoll, tmp_path), 8)


@pytest.mark.full
def test_many_damaged_journals_are_started_with(spantoll, tmp_path):
    damage_often(Journal(spantoll, tmp_path), 300)


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_ten_thousand_damaged_journals_are_started_with(spantoll, tmp_path):
    damage_often(Journal(spantoll, tmp_path), 10_000)
