# SPDX-License-Identifier: Apache-2.0
"""The disk of a journal fills up, fails, turns read-only: no OK that does not hold, no crash, and it goes on by itself."""
import errno

import grpc
import pytest

from env import otlp
from env.destination import Destination, Refusal
from env.faults import Faults
from env.poll import eventually

pytestmark = pytest.mark.core

EVERYTHING = "open write sync rename unlink allocate truncate"
TROUBLE = [("write allocate", errno.ENOSPC), ("sync", errno.EIO), (EVERYTHING, errno.EROFS), ("write", errno.EIO)]


def ids(request):
    return {s.span_id.hex() for _, s in otlp.spans_of(request)}


def health(daemon):
    (found,) = [c for c in daemon.status()["components"] if c["component"] == "extension/file_storage"]
    return found


@pytest.fixture
def destination():
    d = Destination()
    d.always = Refusal(grpc.StatusCode.UNAVAILABLE)
    d.start()
    yield d
    d.stop()


def test_a_disk_that_fails_makes_no_false_ok_and_is_used_again(spantoll, tmp_path, destination):
    faults = Faults(tmp_path / "faults")
    retry = {"initial_interval": "100ms", "max_interval": "200ms"}
    daemon = spantoll(
        env=faults.env, extensions={"file_storage": {"directory": str(tmp_path / "journals"), "segment_size": "64KiB",
                                                     "max_size": "4MiB"}},
        exporters={"otlp_grpc": {"endpoint": destination.address, "tls": {"insecure": True},
                                 "sending_queue": {"storage": "file_storage"}, "retry_on_failure": retry}})
    taken, refused = set(), set()

    def offer(spans=20):
        request = otlp.many("a", spans)
        answer = daemon.export(request)
        (taken if answer.ok else refused).update(ids(request))
        return answer

    for calls, act in TROUBLE:
        assert offer().ok
        faults.arm(calls, act, lasting=True, path="*/journals/*")
        # What has room in a file already may still be taken; then there is an end.
        answer = eventually(lambda: (a := offer(200)) and not a.ok and a, 20, f"{errno.errorcode[act]} is told")
        assert answer.code.name == "UNAVAILABLE" and answer.retry_delay, answer
        assert answer.message in ("the journal cannot be written", "the journal is full")
        eventually(lambda: health(daemon)["status"] == "degraded", 10, "the storage is degraded")
        assert not offer(200).ok
        assert daemon.ready()
        faults.disarm()
        eventually(lambda: offer().ok, 20, "the disk is used again")
    eventually(lambda: health(daemon)["status"] == "ok", 20, "the storage is well again")
    # All of it comes from the disk now.
    daemon.restart(kill=True)
    destination.always = None
    eventually(lambda: len(destination.ids) >= len(taken), 30, "everything is delivered")
    assert daemon.stop() == 0
    found = [i.hex() for i in destination.ids]
    assert set(found) == taken and len(found) == len(taken)
    assert not refused & set(found)


@pytest.mark.parametrize("calls, act, sentence", [
    ("open", errno.EACCES, "Permission denied: it and its files must belong"), ("sync", errno.EIO, "the disk fails")])
def test_a_disk_that_fails_at_the_start_is_told(tmp_path, spantoll, calls, act, sentence):
    faults = Faults(tmp_path / "faults")
    faults.arm(calls, act, lasting=True, path="*/journals/*")
    daemon = spantoll(wait=False, env=faults.env, extensions={"file_storage": {"directory": str(tmp_path / "journals")}},
                      exporters={"nop": {"sending_queue": {"storage": "file_storage"}}})
    daemon.expect_failure = True
    assert daemon.wait(20) == 1
    assert daemon.wait_log(rf"pipeline traces: .*{tmp_path}/journals/traces.*({sentence})")
