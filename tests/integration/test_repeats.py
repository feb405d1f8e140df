# SPDX-License-Identifier: Apache-2.0
"""A request that comes again with the same bytes is answered OK and counts once: whichever way it comes, when answers
are cut off, and after kill -9."""
import pytest

from env import conservation, otlp
from env.cutter import Cutter, Grpc, Http
from env.money import NANO
from env.poll import eventually
from env.sender import PRICE_FILE, Sender

pytestmark = pytest.mark.core


def repeated(daemon):
    return (daemon.metric("spantoll_receiver_repeated_requests", receiver="otlp"),
            daemon.metric("spantoll_receiver_repeated_spans", receiver="otlp"))


def test_the_same_bytes_count_once_whichever_way_they_come(spantoll, tmp_path):
    daemon = spantoll(receivers={"otlp": {"protocols": {"http": None}}}, exporters={"file": {"path": str(tmp_path / "out")}})
    body = otlp.many("shop", 3).SerializeToString()
    assert daemon.export(body).ok
    assert daemon.export(body, gzip=True).ok
    assert daemon.post(body).ok
    assert daemon.metric("otelcol_receiver_accepted_spans") == 3
    assert repeated(daemon) == (2, 6)
    assert daemon.metric("otelcol_receiver_requests", transport="grpc", outcome="success") == 2
    assert daemon.export(otlp.many("shop", 3)).ok
    daemon.wait_metric("otelcol_exporter_sent_spans", 6, exporter="file")
    assert repeated(daemon) == (2, 6)
    assert daemon.metric("spantoll_deduplicate_requests", pipeline="traces") == 2
    assert daemon.metric("spantoll_deduplicate_bytes", pipeline="traces") <= 16 << 20
    assert daemon.metric("spantoll_deduplicate_cut_requests", pipeline="traces") == 0


def test_a_repeat_of_a_partial_success_hears_the_same(spantoll):
    daemon = spantoll()
    body = otlp.request({"shop": [otlp.span(), otlp.span(span_id=b"short")]}).SerializeToString()
    first, again = daemon.export(body), daemon.export(body)
    assert first.rejected == again.rejected == 1 and first.reason == again.reason
    assert daemon.metric("otelcol_receiver_accepted_spans") == 1
    assert daemon.metric("spantoll_receiver_rejected_spans") == 1
    assert repeated(daemon) == (1, 1)


def test_what_was_refused_is_no_repeat(spantoll):
    daemon = spantoll(exporters={"file": {"path": "/dev/full", "required": True, "sending_queue": {"queue_size": 1},
                                          "retry_on_failure": {"max_elapsed_time": "0s"}}})
    assert daemon.export(otlp.many("shop", 1)).ok
    body = otlp.many("shop", 5).SerializeToString()
    for _ in range(2):
        assert not daemon.export(body).ok
    assert repeated(daemon) == (0, 0)
    daemon.kill()


def test_off_each_counts(spantoll):
    daemon = spantoll(receivers={"otlp": {"deduplicate": {"enabled": False}}})
    body = otlp.many("shop", 3).SerializeToString()
    for _ in range(3):
        assert daemon.export(body).ok
    assert daemon.metric("otelcol_receiver_accepted_spans") == 9
    assert repeated(daemon) == (0, 0)


def test_spans_that_a_collector_batches_anew_count_once(spantoll):
    daemon = spantoll(receivers={"otlp": {"deduplicate": {"fingerprints": True}}})
    spans = [otlp.span() for _ in range(5)]
    assert daemon.export(otlp.request({"shop": spans[:3]})).ok
    assert daemon.export(otlp.request({"shop": spans[1:]})).ok
    daemon.wait_metric("otelcol_exporter_sent_spans", 5, exporter="nop")
    assert daemon.metric("spantoll_deduplicate_dropped_spans", pipeline="traces") == 2
    assert daemon.metric("spantoll_deduplicate_known_spans", pipeline="traces") == 5
    assert repeated(daemon) == (0, 0)


def test_a_reload_forgets_nothing(spantoll):
    daemon = spantoll()
    body = otlp.many("shop", 3).SerializeToString()
    assert daemon.export(body).ok
    for receiver in {"deduplicate": {"max_age": "1h"}}, {}:  # another receiver of that id, then another again
        daemon.reload(receivers={"otlp": receiver}, exporters={"nop": {}, "nop/2": {}})
        assert otlp.Client(daemon.grpc).export_until_ok(body).ok
    assert repeated(daemon) == (2, 6)


def test_two_pipelines_count_each_once(spantoll):
    """One of them twice: behind a connector too."""
    pipelines = {"traces/a": {"receivers": ["otlp"], "exporters": ["nop/a", "forward"]},
                 "traces/b": {"receivers": ["otlp", "forward"], "exporters": ["nop/b"]}}
    daemon = spantoll(exporters={"nop/a": {}, "nop/b": {}}, connectors={"forward": {}}, pipelines=pipelines)
    body = otlp.many("shop", 3).SerializeToString()
    for _ in range(2):
        assert daemon.export(body).ok
    daemon.wait_metric("otelcol_exporter_sent_spans", 3, exporter="nop/a")
    daemon.wait_metric("otelcol_exporter_sent_spans", 6, exporter="nop/b")
    assert repeated(daemon) == (1, 3)


# ---- with a journal ----


@pytest.fixture
def journaled(spantoll, kafka, prices, tmp_path):
    """Kafka and an enforcer behind a journal."""
    def start(redis=None):
        topic = kafka.topic(partitions=2)
        exporters = {"kafka": {"brokers": [kafka.address], "topic": topic, "sending_queue": {"storage": "file_storage"}}}
        if redis:
            exporters["enforcer"] = {"redis": {"endpoints": [redis.address]}, "flush_interval": "100ms"}
        made = spantoll(receivers={"otlp": {"protocols": {"http": None}}},
                        processors={"pricing": {"file": prices(PRICE_FILE)}, "cost": {}}, exporters=exporters,
                        extensions={"file_storage": {"directory": str(tmp_path / "journals")}})
        made.topic, made.files = topic, tmp_path / "journals" / "traces" / "deduplicate"
        return made
    return start


@pytest.mark.parametrize("saved", [False, True], ids=["digest-in-the-journal", "digest-in-its-file"])
def test_a_retry_after_kill_9_counts_once(journaled, kafka, saved):
    daemon = journaled()
    body = otlp.many("service-1", 5, "/cart").SerializeToString()
    assert daemon.export(body).ok
    if saved:
        eventually(lambda: any(f.stat().st_size for f in daemon.files.glob("repeats.*")), 20, "digests on disk")
        assert oct((daemon.files / "seed").stat().st_mode)[-4:] == "0600"
    daemon.kill()
    daemon.start()
    assert otlp.Client(daemon.grpc).export_until_ok(body).ok
    assert repeated(daemon) == (1, 5)
    assert daemon.metric("otelcol_receiver_accepted_spans") == 0
    eventually(lambda: kafka.count(daemon.topic) >= 5, 20, "spans on Kafka")
    assert daemon.stop() == 0
    assert len(conservation.Repeats(kafka.read(daemon.topic)).span_ids()) == 5


def test_a_directory_that_cannot_be_used_is_told_and_nothing_else_fails(journaled, tmp_path):
    blocked = tmp_path / "journals" / "traces" / "deduplicate"
    blocked.parent.mkdir(parents=True)
    blocked.write_text("not a directory")
    daemon = journaled()
    daemon.wait_log("requests that come again after a restart will count again: ")
    body = otlp.many("service-1", 5, "/cart").SerializeToString()
    for _ in range(2):
        assert daemon.export(body).ok
    assert repeated(daemon) == (1, 5)
    assert daemon.stop() == 0


def check_ledger(sender, found):
    dollars, unpriced = found.spent()
    assert unpriced == 0
    for service, spent in sender.spent().items():
        assert abs(dollars[service] - spent) < NANO, (service, dollars[service], spent)


def test_clients_whose_answers_are_cut_are_counted_once(journaled, kafka, quick_redis):
    daemon = journaled(quick_redis)
    wires = Cutter(daemon.grpc_port, Grpc), Cutter(daemon.http_port, Http)
    sender = Sender(wires[0].address, wires[1].port, size=50, workers=2).start()
    eventually(lambda: min(w.cut for w in wires) >= 40, 60, "80 answers that never arrive")
    sender.stop()
    found = conservation.on_kafka(kafka, daemon.topic, sender)
    assert not sender.unknown
    check_ledger(sender, found)
    conservation.in_redis(quick_redis.client, sender.spent())
    requests, spans = repeated(daemon)
    assert requests >= 80 and spans == requests * sender.size
    assert daemon.metric("otelcol_receiver_accepted_spans") == sender.acknowledged_spans


def test_clients_whose_answers_are_cut_are_counted_once_over_kill_9(journaled, kafka, quick_redis):
    daemon = journaled(quick_redis)
    wires = Cutter(daemon.grpc_port, Grpc), Cutter(daemon.http_port, Http)
    sender = Sender(wires[0].address, wires[1].port, size=50, workers=2).start()
    for _ in range(3):
        so_far = sender.acknowledged_spans
        eventually(lambda: sender.acknowledged_spans > so_far + 2000, 60, "clients get on")
        daemon.kill()
        daemon.start()
    sender.stop()
    found = conservation.on_kafka(kafka, daemon.topic, sender)
    assert not sender.unknown
    check_ledger(sender, found)
    conservation.in_redis(quick_redis.client, sender.spent())
    assert daemon.stop() == 0
