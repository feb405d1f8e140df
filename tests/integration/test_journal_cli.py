# SPDX-License-Identifier: Apache-2.0
"""`spantoll journal` tells what is in a journal, whole or damaged, at rest or at work, to the last record and
picodollar, and changes nothing."""
import decimal
import hashlib
import json
import os
import pathlib
import random
import shutil
import subprocess

import grpc
import pytest

from env import otlp
from env.daemon import BINARY
from env.destination import Destination, Refusal
from env.poll import eventually

pytestmark = pytest.mark.core

TOOL = pathlib.Path(os.environ.get("SPANTOLL_TOOLS", "build/release/tools")) / "journal_batches"
RECORDS, KAFKA, ENFORCER = 300, 100, 290


def journal(verb, *args, status=0):
    done = subprocess.run([BINARY, "journal", verb, *map(str, args)], capture_output=True, text=True, timeout=120)
    assert done.returncode == status, done.stderr + done.stdout
    return done


def as_json(verb, *args, status=0):
    return json.loads(journal(verb, "--json", *args, status=status).stdout, parse_float=decimal.Decimal)


def seqs(lines):
    return {seq for seq, _ in lines}


class Made:
    """A journal and every cost record that was written into it."""

    def __init__(self, directory):
        run = subprocess.run([TOOL, "write", directory, str(RECORDS), f"kafka={KAFKA}", f"enforcer={ENFORCER}"],
                             capture_output=True, text=True, timeout=60)
        assert run.returncode == 0, run.stderr
        self.directory = directory
        pairs = [line.split(" ", 1) for line in run.stdout.splitlines()]
        self.lines = [(int(seq), line) for seq, line in pairs]

    def between(self, first, end):
        return [line for seq, line in self.lines if first <= seq < end]

    def spans(self, first, end=RECORDS):
        return len(self.between(first, end))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return Made(tmp_path_factory.mktemp("journal") / "traces")


@pytest.fixture
def copy(made, tmp_path):
    return pathlib.Path(shutil.copytree(made.directory, tmp_path / "copy"))


def segments(directory):
    return sorted(pathlib.Path(directory).glob("*.journal"))


def damage(path, rnd):
    """Noise over a part of it, not its first block."""
    data = bytearray(path.read_bytes())
    at = rnd.randrange(5000, len(data) - 10000)
    data[at:at + 9000] = rnd.randbytes(9000)
    path.write_bytes(data)


def fingerprint(directory):
    return {p.name: (hashlib.sha256(p.read_bytes()).hexdigest(), p.stat().st_mtime_ns)
            for p in pathlib.Path(directory).iterdir()}


# ---- a journal that is whole ----

def test_inspect_tells_who_is_behind_and_by_how_much(made):
    before = fingerprint(made.directory)
    seen = as_json("inspect", made.directory)
    held = seen["segments"][0]["first_seq"]
    behind = {c["name"]: (c["next_seq"], c["behind"]["records"], c["behind"]["spans"]) for c in seen["cursors"]}
    assert behind == {"kafka": (KAFKA, RECORDS - KAFKA, made.spans(KAFKA)),
                      "enforcer": (ENFORCER, RECORDS - ENFORCER, made.spans(ENFORCER))}
    assert held <= KAFKA and seen["held"]["records"] == RECORDS - held and seen["held"]["spans"] == made.spans(held)
    assert sum(s["held"]["spans"] for s in seen["segments"]) == seen["held"]["spans"]
    assert sum(s["held"]["usd"] for s in seen["segments"]) == seen["held"]["usd"] > 0
    assert len(seen["epoch"]) == 32 and not seen["in_use"] and not seen["checkpoint_lost"]
    assert seen["bytes"] == sum(p.stat().st_size for p in segments(made.directory))
    text = journal("inspect", made.directory).stdout
    assert seen["epoch"] in text and "in use by nobody" in text and "\x1b" not in text
    row = next(line.split() for line in text.splitlines() if line.startswith("kafka"))
    assert row[:4] == ["kafka", str(KAFKA), str(RECORDS - KAFKA), str(made.spans(KAFKA))] and row[4].startswith("$")
    assert all(line.split()[-1] == "none" for line in text.splitlines() if ".journal" in line)
    assert "not looked for" in journal("inspect", "--quick", made.directory).stdout
    assert fingerprint(made.directory) == before


def test_verify_of_a_whole_journal(made):
    before = fingerprint(made.directory)
    seen = as_json("verify", made.directory)
    assert seen["whole"] and seen["lost"] == {"records": 0, "spans": 0, "usd": 0, "exact": True}
    assert seen["intact"] == as_json("inspect", made.directory)["held"]
    assert journal("verify", made.directory).stdout.startswith(f"Whole: {seen['intact']['records']} records with ")
    assert fingerprint(made.directory) == before


def test_export_gives_every_span_as_it_was(made):
    first = as_json("inspect", "--quick", made.directory)["segments"][0]["first_seq"]
    before = fingerprint(made.directory)
    assert journal("export", made.directory).stdout.splitlines() == made.between(first, RECORDS)
    some = journal("export", made.directory, "--from", 150, "--to", 160).stdout.splitlines()
    assert some == made.between(150, 161)
    behind = journal("export", made.directory, "--behind", "enforcer").stdout.splitlines()
    assert behind == made.between(ENFORCER, RECORDS)
    requests = journal("export", made.directory, "--encoding", "otlp_json", "--from", 200).stdout.splitlines()
    assert len(requests) == RECORDS - 200
    spans = [span for line in requests for r in json.loads(line).get("resourceSpans", [])
             for s in r.get("scopeSpans", []) for span in s.get("spans", [])]
    assert [s["spanId"] for s in spans] == [json.loads(line)["span_id"] for line in made.between(200, RECORDS)]
    assert fingerprint(made.directory) == before


# ---- one that is not ----

def exported(made, directory):
    """Which of its records an export of a damaged copy still has; all others must be what verify calls lost."""
    found = set(journal("export", directory, status=1).stdout.splitlines())
    return {seq for seq, line in made.lines if line in found}


@pytest.mark.parametrize("seed", range(6))
def test_what_is_damaged_is_lost_exactly_and_nothing_else(made, copy, seed):
    rnd = random.Random(seed)
    first = as_json("inspect", "--quick", copy)["segments"][0]["first_seq"]
    for path in rnd.sample(segments(copy)[:-1], 2):
        damage(path, rnd)
    seen = as_json("verify", copy, status=1)
    lost = {seq for loss in seen["losses"] for seq in range(loss["first_seq"], loss["last_seq"] + 1)}
    assert not seen["whole"] and seen["lost"]["exact"] and len(lost) == seen["lost"]["records"] > 0
    assert seen["lost"]["spans"] == len([s for s, _ in made.lines if s in lost])
    whole = as_json("inspect", "--quick", copy)["held"]
    assert seen["lost"]["usd"] + seen["intact"]["usd"] == whole["usd"]
    assert seen["lost"]["records"] + seen["intact"]["records"] == whole["records"]
    assert exported(made, copy) == {s for s in seqs(made.lines) if s >= first} - lost
    for loss in seen["losses"]:
        assert loss["why"] == "damaged" and pathlib.Path(copy / loss["segment"]).exists()
        wanted = [name for name, at in [("kafka", KAFKA), ("enforcer", ENFORCER)] if at <= loss["last_seq"]]
        assert sorted(loss["not_yet_at"]) == sorted(wanted)
    text = journal("verify", copy, status=1).stdout
    assert text.startswith(f"Lost: {seen['lost']['records']} record") and "Intact: " in text
    told = journal("export", copy, status=1).stderr
    assert f"not there: {seen['lost']['records']} record" in told and "damaged" in told


def test_a_segment_that_is_cut_or_gone(made, copy):
    cut, gone = segments(copy)[3], segments(copy)[6]
    os.truncate(cut, 20000)
    held = next(s["held"] for s in as_json("inspect", "--quick", copy)["segments"] if s["name"] == gone.name)
    gone.unlink()
    seen = as_json("verify", copy, status=1)
    assert [loss["segment"] for loss in seen["losses"]] == [cut.name, segments(copy)[5].name]
    assert {k: seen["losses"][1][k] for k in held} == held


def test_heads_and_checkpoint_are_part_of_the_whole(made, copy):
    with segments(copy)[2].open("r+b") as f:
        f.write(b"\0" * 88)
    seen = as_json("verify", copy, status=1)
    assert seen["heads_damaged"] == 1 and seen["lost"]["records"] == 0
    assert f"head of segment {segments(copy)[2].name}" in journal("verify", copy, status=1).stdout
    (copy / "checkpoint").unlink()
    seen = as_json("verify", copy, status=1)
    assert seen["checkpoint_lost"] and seen["lost"]["records"] == 0
    assert "The checkpoint is lost" in journal("verify", copy, status=1).stdout
    assert "(checkpoint lost)" in journal("inspect", copy).stdout
    assert not (copy / "checkpoint").exists()


# ---- beside its process ----

def test_beside_a_process_that_appends_and_removes(tmp_path):
    directory = tmp_path / "traces"
    with subprocess.Popen([TOOL, "run", directory], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as at_work:
        assert at_work.stdout.readline() == "running\n"
        for _ in range(15):
            seen = as_json("verify", directory)
            assert seen["in_use"] and seen["whole"]
            assert as_json("inspect", directory)["cursors"][0]["name"] == "follower"
            for line in journal("export", directory).stdout.splitlines():
                json.loads(line)
        assert "A process has it" in journal("verify", directory).stdout
        at_work.stdin.close()
        assert at_work.wait(timeout=30) == 0
    assert not as_json("verify", directory)["in_use"]


@pytest.fixture
def destination():
    """Takes nothing until .always is None."""
    d = Destination()
    d.always = Refusal(grpc.StatusCode.UNAVAILABLE)
    d.start()
    yield d
    d.stop()


def test_beside_a_daemon_whose_exporter_is_behind(spantoll, tmp_path, destination, prices):
    daemon = spantoll(
        extensions={"file_storage": {"directory": str(tmp_path / "journals")}},
        processors={"pricing": {"file": prices({"pay:/charge": "0.002"})}, "cost": {}},
        exporters={"otlp_grpc": {"endpoint": destination.address, "tls": {"insecure": True},
                                 "sending_queue": {"storage": "file_storage"},
                                 "retry_on_failure": {"initial_interval": "100ms",
                                                      "max_interval": "100ms"}}})
    directory, sent = tmp_path / "journals" / "traces", set()
    for _ in range(20):
        request = otlp.many("pay", 5, "/charge", duration_ms=10)
        assert daemon.export(request).ok
        sent |= {s.span_id.hex() for _, s in otlp.spans_of(request)}
    worth = {"records": 20, "spans": 100, "usd": 2}

    def behind(seen):
        return next(c["behind"] for c in seen["cursors"] if c["name"] == "otlp_grpc")

    def look(in_use):
        seen = as_json("inspect", directory)
        assert seen["in_use"] == in_use and behind(seen) == worth
        assert as_json("verify", directory)["intact"] == worth
        records = [json.loads(line) for line in
                   journal("export", "--behind", "otlp_grpc", directory).stdout.splitlines()]
        assert {r["span_id"] for r in records} == sent and all(r["cost_amount"] == 0.02 for r in records)

    look(True)
    daemon.kill()
    look(False)
    daemon.start()
    destination.always = None
    eventually(lambda: behind(as_json("inspect", directory))["records"] == 0, 20, "all is delivered")
    assert {i.hex() for i in destination.ids} == sent
    assert as_json("verify", directory)["whole"]


# ---- what is none ----

def test_what_is_no_journal_is_said(made, tmp_path):
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    assert "there is no journal" in journal("verify", nothing, status=1).stderr
    assert not any(nothing.iterdir())
    assert "No such file or directory" in journal("inspect", tmp_path / "none", status=1).stderr
    above = journal("inspect", f"{made.directory.parent}/", status=1).stderr
    assert "there is no journal" in above and f"there is one in {made.directory}" in above
    assert "name the journal's DIRECTORY" in journal("export", status=2).stderr
    assert 'not also "b"' in journal("export", "a", "b", status=2).stderr
    assert '"xml" is none of json, otlp_json' in journal("export", made.directory, "--encoding", "xml", status=2).stderr
    who = journal("export", made.directory, "--behind", "kafak", status=2).stderr
    assert 'no cursor "kafak"' in who and "kafka" in who and "enforcer" in who
    assert 'did you mean "verify"' in journal("verfy", status=2).stderr


def test_an_output_that_nobody_takes_is_said(made):
    with open("/dev/full", "w") as full:
        done = subprocess.run([BINARY, "journal", "export", made.directory], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and "standard output: No space left on device" in done.stderr
