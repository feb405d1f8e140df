# SPDX-License-Identifier: Apache-2.0
"""The otlp exporter: every span arrives once wherever the far end answers, whatever it answers; TLS and mTLS."""
import collections
import threading
import time

import grpc
import pytest

from env import otlp
from env.daemon import BINARY
from env.destination import Destination, Partial, Refusal
from env.kafka_load import Load
from env.poll import eventually
from env.secure_broker import Certificates
from env.wire import Wire

pytestmark = pytest.mark.core

MEMORY = 600e6 if "asan" in BINARY.parts or "tsan" in BINARY.parts else 150e6
QUICK = {"initial_interval": "50ms", "max_interval": "200ms", "max_elapsed_time": "60s"}
PLAIN = {"insecure": True}


def exporter(endpoint, **settings):
    return {"otlp": {"endpoint": endpoint, "tls": PLAIN, "retry_on_failure": QUICK} | settings}


@pytest.fixture
def destination():
    made = []

    def start(**how):
        made.append(Destination(**how))
        return made[-1].start()

    yield start
    for d in made:
        d.stop(grace=0)


@pytest.fixture
def wire():
    made = []

    def to(destination):
        made.append(Wire(destination.port))
        return made[-1]

    yield to
    for w in made:
        w.close()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


def sent(daemon):
    return daemon.metric("otelcol_exporter_sent_spans", exporter="otlp")


def lost(daemon, reason=None):
    failed = daemon.metric("otelcol_exporter_send_failed_spans", exporter="otlp")
    if reason:
        assert daemon.metric("spantoll_otlp_lost_spans", exporter="otlp", reason=reason) == failed
    return failed


def state(daemon):
    (component,) = [c for c in daemon.status()["components"] if c["component"] == "exporter/otlp"]
    return component


def test_spans_arrive_as_they_came_with_gzip_headers_and_our_name(spantoll, destination, wire):
    there = destination()
    way = wire(there)
    daemon = spantoll(exporters=exporter(f"http://{way.address}", headers={"X-Scope-OrgID": "tenant-7"},
                                         tls={}))
    request = otlp.request({"a": [otlp.span("one", attrs={"n": 1, "list": ["x", 2.5]})] * 400, "b": [otlp.span("two")]})
    for s in request.resource_spans[0].scope_spans[0].spans:
        s.span_id = otlp.os.urandom(8)
    assert daemon.export(request).ok
    daemon.wait_metric("otelcol_exporter_sent_spans", 401, exporter="otlp")
    assert there.taken == [request]
    assert way.sent < request.ByteSize() / 2
    assert there.headers[0]["x-scope-orgid"] == "tenant-7"
    assert there.headers[0]["user-agent"].startswith("spantoll/")


def test_several_batches_travel_in_one_request(spantoll, destination):
    there = destination(compression=grpc.Compression.Gzip)  # its answers come in gzip too
    queue = {"batch": {"flush_timeout": "10m", "min_size": 40}}
    daemon = spantoll(exporters=exporter(there.address, sending_queue=queue, compression="none"))
    requests = [otlp.many(f"service-{i}", 10) for i in range(4)]
    for r in requests:
        assert daemon.export(r).ok
    daemon.wait_metric("otelcol_exporter_sent_spans", 40, exporter="otlp")
    (taken,) = there.taken
    assert list(taken.resource_spans) == [r.resource_spans[0] for r in requests]


@pytest.mark.parametrize("code", ["CANCELLED", "DEADLINE_EXCEEDED", "ABORTED", "OUT_OF_RANGE", "UNAVAILABLE", "DATA_LOSS"])
def test_retryable_statuses_are_tried_again(spantoll, destination, code):
    there = destination()
    there.answers = [Refusal(grpc.StatusCode[code])] * 2
    daemon = spantoll(exporters=exporter(there.address))
    assert daemon.export(otlp.many("a", 7)).ok
    daemon.wait_metric("otelcol_exporter_sent_spans", 7, exporter="otlp")
    assert there.calls == 3 and len(there.ids) == 7
    assert daemon.metric("spantoll_exporter_retries", exporter="otlp") == 2


def test_a_throttled_exporter_waits_as_long_as_it_is_told(spantoll, destination):
    there = destination()
    there.answers = [Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, "slow down", retry_after=1.25)]
    daemon = spantoll(exporters=exporter(there.address))
    begin = time.monotonic()
    assert daemon.export(otlp.many("a", 7)).ok
    daemon.wait_metric("otelcol_exporter_sent_spans", 7, exporter="otlp")
    assert time.monotonic() - begin >= 1.25
    assert there.calls == 2 and lost(daemon) == 0


def test_what_may_not_be_tried_again_is_counted_with_the_servers_sentence(spantoll, destination, prices):
    there = destination()
    there.answers = [Refusal(grpc.StatusCode.PERMISSION_DENIED, "wrong tenant"),
                     Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, "over your quota")]
    daemon = spantoll(processors={"pricing": {"file": prices({"shop:buy": "0.001"})}, "cost": {}},
                      exporters=exporter(there.address))
    assert daemon.export(otlp.many("shop", 5, "buy", duration_ms=100)).ok
    daemon.wait_log(r"exporter/otlp  lost 5 spans worth \$0\.50 .*PERMISSION_DENIED: wrong tenant")
    assert state(daemon)["status"] == "degraded" and "wrong tenant" in state(daemon)["why"]
    assert daemon.export(otlp.many("shop", 3, "buy")).ok
    daemon.wait_log("RESOURCE_EXHAUSTED: over your quota")
    assert there.calls == 2  # a full quota is no reason to come back in pieces
    assert lost(daemon, "refused") == 8
    assert daemon.export(otlp.many("shop", 1, "buy")).ok
    daemon.wait_metric("otelcol_exporter_sent_spans", 1, exporter="otlp")
    assert state(daemon)["status"] == "ok"


def test_partial_success_counts_what_was_rejected_and_is_not_repeated(spantoll, destination):
    there = destination()
    there.answers = [Partial(3, "too old"), Partial(0, "please upgrade"), Partial(2**62, "all of them")]
    daemon = spantoll(exporters=exporter(there.address))
    for total in (10, 20, 30):  # one request each
        assert daemon.export(otlp.many("a", 10)).ok
        eventually(lambda: sent(daemon) + lost(daemon) == total, what="it is answered")
    assert (sent(daemon), lost(daemon, "rejected"), there.calls) == (17, 13, 3)
    daemon.wait_log("rejected 3 of 10 spans: too old")
    daemon.wait_log("took 10 spans with a warning: please upgrade")


def test_over_the_limit_of_the_far_end_spans_go_in_smaller_requests(spantoll, destination):
    """The Collector loses such a request. Here it is cut; only the span that is too large alone is lost."""
    there = destination(max_message=200_000)
    daemon = spantoll(exporters=exporter(there.address))
    spans = [otlp.span(f"s{i}", attrs={"text": "x" * 1000}) for i in range(900)]
    spans[450].attributes.extend(otlp.attributes({"more": "y" * 300_000}))
    assert daemon.export(otlp.request({"a": spans})).ok
    eventually(lambda: sent(daemon) + lost(daemon) == 900, what="it is answered")
    assert lost(daemon, "too_large") == 1
    assert sorted(there.ids) == sorted(s.span_id for s in spans if s is not spans[450])
    calls = there.calls
    assert daemon.export(otlp.request({"a": spans[:400]})).ok
    daemon.wait_metric("otelcol_exporter_sent_spans", 1299, exporter="otlp")
    assert there.calls - calls <= 8  # it has learned the limit


def test_what_arrived_of_a_cut_delivery_is_not_sent_again(spantoll, destination):
    there = destination(max_message=200_000)
    there.answers = [lambda r, c: otlp.Response(), Refusal(grpc.StatusCode.UNAVAILABLE)]
    daemon = spantoll(exporters=exporter(there.address))
    request = otlp.many("a", 900, attrs={"text": "x" * 1000})
    assert daemon.export(request).ok
    daemon.wait_metric("otelcol_exporter_sent_spans", 900, exporter="otlp")
    assert daemon.metric("spantoll_exporter_retries", exporter="otlp") == 1
    assert there.ids == [s.span_id for _, s in otlp.spans_of(request)]


def test_20_s_without_the_destination_under_load(spantoll, destination):
    there = destination()
    daemon = spantoll(exporters=exporter(there.address, sending_queue={"queue_size": 200}))
    load = Load(daemon).start(rate=2000)
    eventually(lambda: len(there.taken) > 5, what="some arrive")
    there.stop()
    eventually(lambda: state(daemon)["status"] == "degraded", what="/status says so")
    time.sleep(20)
    there.start()
    eventually(lambda: state(daemon)["status"] == "ok", timeout=30, what="it is back")
    load.stop()
    daemon.wait_metric("otelcol_exporter_sent_spans", len(load.accepted), timeout=60, exporter="otlp")
    assert lost(daemon) == 0
    assert daemon.metric("otelcol_process_memory_rss") < MEMORY
    ids = collections.Counter(i for i in there.ids)
    assert set(ids) == load.accepted and max(ids.values()) == 1


def test_cut_connections_lose_nothing(spantoll, destination, wire):
    there = destination()
    way = wire(there)
    daemon = spantoll(exporters=exporter(way.address))
    load = Load(daemon).start(rate=3000)
    for _ in range(5):
        seen = there.calls
        eventually(lambda: there.calls > seen + 3, what="requests arrive")
        way.cut()
    load.stop()
    daemon.wait_metric("otelcol_exporter_sent_spans", len(load.accepted), timeout=60, exporter="otlp")
    assert lost(daemon) == 0
    assert set(there.ids) == load.accepted  # some twice: their answers were cut off


def test_a_call_that_is_not_answered_is_given_up_and_tried_again(spantoll, destination):
    there = destination()
    release = threading.Event()
    there.answers = [lambda r, c: release.wait(600) and c.abort(grpc.StatusCode.ABORTED, "late")]
    daemon = spantoll(exporters=exporter(there.address, timeout="300ms"))
    assert daemon.export(otlp.many("a", 4)).ok
    daemon.wait_metric("otelcol_exporter_sent_spans", 4, exporter="otlp")
    assert state(daemon)["status"] == "ok"
    release.set()
    assert len(there.ids) == 4


def test_sigterm_delivers_what_is_queued_and_leaves_a_silent_server_in_time(spantoll, destination):
    there = destination()
    daemon = spantoll(processors={"batch": {"timeout": "5m", "send_batch_size": 1000000}}, exporters=exporter(there.address))
    request = otlp.many("a", 300)
    assert daemon.export(request).ok
    assert there.calls == 0
    assert daemon.stop() == 0
    assert len(there.ids) == 300
    release = threading.Event()
    there.always = lambda r, c: release.wait(600)
    try:
        daemon = spantoll(exporters=exporter(there.address, timeout="0s"))
        assert daemon.export(otlp.many("a", 5)).ok
        eventually(lambda: there.calls == 2, what="the silent call")
        begin = time.monotonic()
        assert daemon.stop() == 0
        assert time.monotonic() - begin < 60
        assert "lost 5 spans" in daemon.log
    finally:
        release.set()


def test_tls_with_our_authority_and_a_client_certificate(spantoll, destination, certificates, tmp_path):
    key = (certificates.dir / "server.key").read_bytes()
    chain = (certificates.dir / "server.crt").read_bytes()
    there = destination(credentials=grpc.ssl_server_credentials(
        [(key, chain)], root_certificates=certificates.ca.read_bytes(), require_client_auth=True))
    ours = {"cert_file": str(certificates.client_cert), "key_file": str(certificates.client_key)}
    good = {"ca_file": str(certificates.ca)} | ours
    settings = {
        "good": good,
        "system": good | {"include_system_ca_certs_pool": True},
        "text": {"ca_pem": certificates.ca.read_text(), "cert_pem": certificates.client_cert.read_text(),
                 "key_pem": certificates.client_key.read_text()},
        "trusting": ours | {"insecure_skip_verify": True, "server_name_override": "elsewhere"},
        "stranger": ours | {"ca_file": str(certificates.stranger_ca)},
        "misnamed": good | {"server_name_override": "elsewhere"},
        "nobody": {"ca_file": str(certificates.ca)},
    }
    exporters = {f"otlp/{name}": {"endpoint": there.address, "tls": tls, "headers": {"who": name},
                                  "retry_on_failure": QUICK, "required": False}
                 for name, tls in settings.items()}
    daemon = spantoll(exporters=exporters)
    assert daemon.export(otlp.many("a", 3)).ok
    for name in ("good", "system", "text", "trusting"):
        daemon.wait_metric("otelcol_exporter_sent_spans", 3, exporter=f"otlp/{name}")
    for name in ("stranger", "misnamed", "nobody"):
        daemon.wait_metric("spantoll_exporter_retries", 2, exporter=f"otlp/{name}")
        assert daemon.metric("otelcol_exporter_sent_spans", exporter=f"otlp/{name}") == 0
    assert {h["who"] for h in there.headers} == {"good", "system", "text", "trusting"}


def test_renewed_certificates_are_taken_over(spantoll, destination, certificates, tmp_path):
    key = (certificates.dir / "server.key").read_bytes()
    there = destination(credentials=grpc.ssl_server_credentials([(key, (certificates.dir / "server.crt").read_bytes())]))
    ca = tmp_path / "ca.crt"
    ca.write_bytes(certificates.stranger_ca.read_bytes())
    daemon = spantoll(exporters=exporter(f"https://{there.address}", tls={"ca_file": str(ca), "reload_interval": "100ms"}))
    assert daemon.export(otlp.many("a", 3)).ok
    daemon.wait_metric("spantoll_exporter_retries", 1, exporter="otlp")
    ca.write_bytes(certificates.ca.read_bytes())
    daemon.wait_metric("otelcol_exporter_sent_spans", 3, exporter="otlp")
    daemon.wait_log("connects with new certificates")
    ca.write_text("nonsense")
    daemon.wait_log("no PEM in it.*stay in use")
    assert daemon.export(otlp.many("a", 3)).ok
    daemon.wait_metric("otelcol_exporter_sent_spans", 6, exporter="otlp")


def test_spantoll_behind_spantoll_agrees_on_the_money(spantoll, prices):
    """The second prices anew: its cost.* attributes take the place of the first one's."""
    first_price, second_price = prices({"shop:buy": "0.001"}, "one.json"), prices({"shop:buy": "0.002"}, "two.json")
    behind = spantoll(processors={"pricing": {"file": second_price}, "cost": {}},
                      exporters={"debug": {"verbosity": "detailed"}})
    front = spantoll(processors={"pricing": {"file": first_price}, "cost": {}},
                     exporters={"otlp_grpc/next": {"endpoint": behind.grpc, "tls": PLAIN}})
    for _ in range(20):
        assert front.export(otlp.many("shop", 50, "buy", duration_ms=100)).ok
    front.wait_metric("otelcol_exporter_sent_spans", 1000, exporter="otlp_grpc/next")
    behind.wait_metric("otelcol_exporter_sent_spans", 1000, exporter="debug")
    assert front.metric("cost_total_usd") == pytest.approx(100)
    assert behind.metric("cost_total_usd") == pytest.approx(200)
    assert behind.log.count("cost.amount") == behind.log.count("cost.amount: Double(0.2)") > 0
