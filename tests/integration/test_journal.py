# SPDX-License-Identifier: Apache-2.0
"""A pipeline with a journal: what was acknowledged survives kill -9; a full journal refuses and recovers; one directory,
one daemon; a start with a full journal is alive at once; a reload keeps the journal."""
import json
import threading
import time

import grpc
import pytest

from env import otlp
from env.daemon import Daemon, http_get
from env.destination import Destination, Refusal
from env.poll import eventually

pytestmark = pytest.mark.core

SMALL = {"max_size": "256KiB", "segment_size": "64KiB"}
PATIENT = {"storage": "file_storage"}
RETRY = {"initial_interval": "100ms", "max_interval": "200ms"}


@pytest.fixture
def destination():
    """Away at first: takes nothing until .always is None."""
    d = Destination()
    d.always = Refusal(grpc.StatusCode.UNAVAILABLE)
    d.start()
    yield d
    d.stop()


def storage(tmp_path, **how):
    return {"file_storage": {"directory": str(tmp_path / "journals"), **how}}


def to_file(path, **how):
    return {"path": str(path), "encoding": "json", "sending_queue": PATIENT, "retry_on_failure": RETRY, **how}


def to(destination):
    return {"otlp_grpc": {"endpoint": destination.address, "tls": {"insecure": True}, "sending_queue": PATIENT,
                          "retry_on_failure": RETRY}}


def span_ids(path):
    return [json.loads(line)["span_id"] for line in path.read_text().splitlines()] if path.exists() else []


def send(daemon, spans=10):
    """The ids, when the client has heard OK."""
    request = otlp.many("a", spans)
    assert daemon.export(request).ok
    return {s.span_id.hex() for _, s in otlp.spans_of(request)}


def fill(daemon):
    """Sends until the journal is full; what was acknowledged, and the answer that was not OK."""
    taken = set()
    for _ in range(1000):
        request = otlp.many("a", 50)
        answer = daemon.export(request)
        if not answer.ok:
            return taken, answer
        taken |= {s.span_id.hex() for _, s in otlp.spans_of(request)}
    raise AssertionError("the journal never got full")


def health(daemon):
    (found,) = [c for c in daemon.status()["components"] if c["component"] == "extension/file_storage"]
    return found


def delivered(destination):
    return [i.hex() for i in destination.ids]


def test_what_was_acknowledged_survives_kill_9(spantoll, tmp_path, destination):
    daemon = spantoll(extensions=storage(tmp_path), exporters=to(destination))
    sent = set()
    for kill in range(2):
        for i in range(20):
            sent |= send(daemon)
            # The default is `journaled`: what was answered is on disk.
            assert daemon.metric("spantoll_journal_appended_records") == kill * 20 + i + 1
        daemon.restart(kill=True)
    destination.always = None
    eventually(lambda: len(delivered(destination)) >= len(sent), 20, "what waited is delivered")
    sent |= send(daemon)
    eventually(lambda: len(delivered(destination)) >= len(sent), 20, "what is new is delivered")
    assert daemon.stop() == 0
    found = delivered(destination)
    assert set(found) == sent and len(found) == len(sent)


def test_a_full_journal_refuses_recovers_and_starts_at_once(spantoll, tmp_path, destination):
    daemon = spantoll(extensions=storage(tmp_path, **SMALL), exporters=to(destination))
    sent, refused = fill(daemon)
    assert refused.code.name == "UNAVAILABLE" and "the journal is full" in refused.message
    assert refused.retry_delay and 1 <= refused.retry_delay <= 30
    eventually(lambda: health(daemon)["status"] == "degraded", 10, "the storage is degraded")
    assert "the journal of traces is full (max_size)" in health(daemon)["why"]
    assert daemon.ready()
    assert daemon.metric("spantoll_journal_full", pipeline="traces") == 1
    assert daemon.metric("spantoll_journal_failed_records") + daemon.metric("spantoll_journal_refused_records",
                                                                            reason="full") >= 1
    assert daemon.metric("spantoll_journal_bytes") <= 256 << 10
    # Killed, and started with the destination still away.
    daemon.kill()
    begin = time.monotonic()
    daemon.start(wait=False)
    eventually(lambda: http_get(daemon.health_url + "/livez")[0] == 200, 20, "alive")
    daemon.wait_ready()
    assert time.monotonic() - begin < 5
    assert not daemon.export(otlp.many("a", 50)).ok
    eventually(lambda: health(daemon)["status"] == "degraded", 10, "the storage is degraded again")
    # The destination comes back: all goes there, and there is room again, without a restart.
    destination.always = None
    eventually(lambda: len(delivered(destination)) >= len(sent), 30, "everything is delivered")
    eventually(lambda: health(daemon)["status"] == "ok", 10, "the storage is well again")
    sent |= send(daemon)
    eventually(lambda: len(delivered(destination)) >= len(sent), 20, "what is new is delivered")
    assert daemon.stop() == 0
    found = delivered(destination)
    assert set(found) == sent and len(found) == len(sent)


def test_a_journal_that_drops_the_oldest_never_refuses_and_counts(spantoll, tmp_path, destination):
    daemon = spantoll(extensions=storage(tmp_path, **SMALL, when_full="drop_oldest"), exporters=to(destination))
    sent = []
    while len(sent) < 6000:
        request = otlp.many("a", 50)
        assert daemon.export(request).ok
        sent += [s.span_id.hex() for _, s in otlp.spans_of(request)]
    dropped = daemon.metric("spantoll_journal_dropped_spans")
    assert dropped > 0
    eventually(lambda: health(daemon)["status"] == "degraded", 10, "the storage is degraded")
    assert "spans were dropped before every exporter had them" in health(daemon)["why"]
    # What is in memory already is delivered as well.
    destination.always = None
    eventually(lambda: daemon.metric("otelcol_exporter_sent_spans")
               + daemon.metric("spantoll_exporter_journal_gap_spans") == len(sent), 20, "each span is sent or counted")
    lost = set(sent) - set(delivered(destination))
    assert len(lost) == daemon.metric("spantoll_exporter_journal_gap_spans") <= dropped
    assert lost <= set(sent[:len(sent) - 1000]), "the oldest"


def test_a_directory_belongs_to_one_daemon(spantoll, tmp_path):
    daemon = spantoll(extensions=storage(tmp_path, max_size="1000TB"), exporters={"file": to_file(tmp_path / "a")})
    assert f"extension/file_storage  the disk of {tmp_path}/journals has" in daemon.log
    second = Daemon(tmp_path / "second", extensions=storage(tmp_path), exporters={"file": to_file(tmp_path / "b")})
    second.expect_failure = True
    second.start(wait=False)
    assert second.wait(20) == 1
    assert f"{tmp_path}/journals/traces is in use by another process: stop the other daemon, or give each a directory " \
           "of its own" in second.log
    second.close()
    send(daemon)


def test_a_reload_keeps_the_journal_and_forgets_who_is_gone(spantoll, tmp_path):
    """Clients go on while one exporter changes and another goes away."""
    out = tmp_path / "spans.jsonl"
    old, new = {"file": to_file(out), "file/gone": to_file(tmp_path / "gone")}, {"file": to_file(out, required=True)}
    daemon = spantoll(extensions=storage(tmp_path), exporters=old)
    sent, stop, refused = set(), threading.Event(), []

    def work():
        client = daemon.new_client()
        while not stop.is_set():
            request = otlp.many("a", 25)
            answer = client.export(request)
            if answer.ok:
                sent.update(s.span_id.hex() for _, s in otlp.spans_of(request))
            else:
                refused.append(answer)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for t in threads:
        t.start()
    try:
        daemon.wait_metric("otelcol_receiver_accepted_spans", 500)
        daemon.reload(extensions=storage(tmp_path), exporters=new)
        before = daemon.metric("otelcol_receiver_accepted_spans")
        daemon.wait_metric("otelcol_receiver_accepted_spans", before + 500)
    finally:
        stop.set()
        for t in threads:
            t.join()
    assert not refused
    daemon.wait_log('journal/traces  no exporter is called "file/gone" any more')
    eventually(lambda: len(set(span_ids(out))) >= len(sent), 30, "everything is delivered")
    assert daemon.log.count("journal/traces  open directory=") == 1
    assert daemon.stop() == 0
    assert set(span_ids(out)) == sent


def test_a_directory_that_cannot_be_made_stops_the_start(tmp_path):
    (tmp_path / "file").write_text("")
    daemon = Daemon(tmp_path / "d", extensions={"file_storage": {"directory": str(tmp_path / "file" / "q")}},
                    exporters={"file": to_file(tmp_path / "a")})
    daemon.expect_failure = True
    daemon.start(wait=False)
    assert daemon.wait(20) == 1
    assert f"extension/file_storage: directory {tmp_path}/file/q: Not a directory: a part of it is a file, name another" \
        in daemon.log
    daemon.close()
