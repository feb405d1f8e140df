# SPDX-License-Identifier: Apache-2.0
"""The otlp_http exporter: every span arrives where the far end answers, whatever it answers; TLS and mTLS."""
import json
import ssl
import threading
import time

import pytest

from env import otlp
from env.certificates import Authority
from env.http_destination import NO_ANSWER, Answer, HttpDestination, partial, refusal
from env.kafka_load import Load
from env.poll import eventually
from env.wire import Wire

pytestmark = pytest.mark.core

QUICK = {"initial_interval": "50ms", "max_interval": "200ms", "max_elapsed_time": "60s"}


def exporter(url, **settings):
    return {"otlphttp": {"endpoint": url, "retry_on_failure": QUICK} | settings}


@pytest.fixture
def destination():
    made = []

    def start(**how):
        made.append(HttpDestination(**how))
        return made[-1].start()

    yield start
    for d in made:
        d.stop()


@pytest.fixture
def wire():
    made = []

    def to(destination):
        made.append(Wire(destination.port))
        return made[-1]

    yield to
    for w in made:
        w.close()


def sent(daemon):
    return daemon.metric("otelcol_exporter_sent_spans", exporter="otlphttp")


def lost(daemon, reason=None):
    failed = daemon.metric("otelcol_exporter_send_failed_spans", exporter="otlphttp")
    if reason:
        assert daemon.metric("spantoll_otlp_lost_spans", exporter="otlphttp", reason=reason) == failed
    return failed


def wait_sent(daemon, count, **how):
    daemon.wait_metric("otelcol_exporter_sent_spans", count, exporter="otlphttp", **how)


def state(daemon):
    (component,) = [c for c in daemon.status()["components"] if c["component"] == "exporter/otlphttp"]
    return component


def test_spans_arrive_as_they_came_with_gzip_headers_and_our_name(spantoll, destination):
    there = destination()
    daemon = spantoll(exporters=exporter(there.url + "/", headers={"X-Scope-OrgID": "tenant-7", "Authorization": "Bearer t"}))
    request = otlp.request({"a": [otlp.span(f"s{i}", attrs={"n": i, "list": ["x", 2.5]}) for i in range(400)],
                            "b": [otlp.span("two")]})
    assert daemon.export(request).ok
    wait_sent(daemon, 401)
    assert there.taken == [request]
    assert there.paths == ["/v1/traces"]
    (headers,) = there.headers
    assert headers["content-type"] == "application/x-protobuf" and headers["content-encoding"] == "gzip"
    assert int(headers["content-length"]) < request.ByteSize() / 2
    assert headers["x-scope-orgid"] == "tenant-7" and headers["authorization"] == "Bearer t"
    assert headers["user-agent"].startswith("spantoll/")
    assert "expect" not in headers
    for i in range(5):
        assert daemon.export(otlp.many("a", 1)).ok
        wait_sent(daemon, 402 + i)
    assert there.connections == 1


def test_json_without_compression_to_an_url_of_its_own(spantoll, destination):
    there = destination()
    there.answers = [Answer(200, json.dumps({"partialSuccess": {"rejectedSpans": "2", "errorMessage": "too old"}}).encode(),
                            {"content-type": "application/json"}),
                     Answer(400, json.dumps({"code": 3, "message": "no such tenant"}).encode(),
                            {"content-type": "application/json; charset=utf-8"})]
    settings = {"traces_endpoint": there.url + "/api/traces?x=1", "encoding": "json", "compression": "none"}
    queue = {"batch": {"flush_timeout": "10m", "min_size": 40}}
    daemon = spantoll(exporters={"otlphttp": settings | {"sending_queue": queue}})
    requests = [otlp.request({f"service-{i}": [otlp.span("é", attrs={"f": 1.5, "b": b"\0\xff", "i": -2**63}) for _ in range(10)]})
                for i in range(4)]
    for r in requests:
        assert daemon.export(r).ok
    eventually(lambda: sent(daemon) + lost(daemon) == 40, what="it is answered")
    (taken,) = there.taken
    assert list(taken.resource_spans) == [r.resource_spans[0] for r in requests]
    assert there.paths == ["/api/traces?x=1"]
    assert there.headers[0]["content-type"] == "application/json" and "content-encoding" not in there.headers[0]
    assert lost(daemon, "rejected") == 2
    daemon.wait_log("rejected 2 of 40 spans: too old")
    assert daemon.export(otlp.many("a", 40)).ok
    daemon.wait_log("status 400: no such tenant")


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_retryable_statuses_are_tried_again(spantoll, destination, status):
    there = destination()
    there.answers = [Answer(status, b"<html>upstream is away</html>"), refusal(status, "as the test says")]
    daemon = spantoll(exporters=exporter(there.url))
    assert daemon.export(otlp.many("a", 7)).ok
    wait_sent(daemon, 7)
    assert there.calls == 3 and len(there.ids) == 7
    assert daemon.metric("spantoll_exporter_retries", exporter="otlphttp") == 2
    daemon.wait_log(f"status {status}: <html>upstream is away")


def test_retry_after_is_waited_for(spantoll, destination):
    there = destination()
    there.answers = [refusal(429, "slow down", retry_after="2")]
    daemon = spantoll(exporters=exporter(there.url))
    begin = time.monotonic()
    assert daemon.export(otlp.many("a", 7)).ok
    wait_sent(daemon, 7)
    assert time.monotonic() - begin >= 2
    assert there.calls == 2 and lost(daemon) == 0


def test_what_may_not_be_tried_again_is_counted_with_the_servers_sentence(spantoll, destination, prices):
    there = destination()
    there.answers = [refusal(403, "wrong tenant"), Answer(500, b"oops\n\x1b[31m"), Answer(307, b"", {"location": there.url + "/x"})]
    daemon = spantoll(processors={"pricing": {"file": prices({"shop:buy": "0.001"})}, "cost": {}},
                      exporters=exporter(there.url))
    assert daemon.export(otlp.many("shop", 5, "buy", duration_ms=100)).ok
    daemon.wait_log(r"exporter/otlphttp  lost 5 spans worth \$0\.50 .*status 403: wrong tenant")
    assert state(daemon)["status"] == "degraded" and "wrong tenant" in state(daemon)["why"]
    for status, count in ((500, 3), (307, 2)):
        assert daemon.export(otlp.many("shop", count, "buy")).ok
        daemon.wait_log(f"lost {count} spans .*status {status}")
    assert there.calls == 3 and there.paths == ["/v1/traces"] * 3
    assert lost(daemon, "refused") == 10
    assert daemon.export(otlp.many("shop", 1, "buy")).ok
    wait_sent(daemon, 1)
    assert state(daemon)["status"] == "ok"


def test_partial_success_counts_what_was_rejected_and_is_not_repeated(spantoll, destination):
    there = destination()
    there.answers = [partial(3, "too old"), partial(0, "please upgrade"), partial(2**62, "all of them")]
    daemon = spantoll(exporters=exporter(there.url))
    for total in (10, 20, 30):  # one request each
        assert daemon.export(otlp.many("a", 10)).ok
        eventually(lambda: sent(daemon) + lost(daemon) == total, what="it is answered")
    assert (sent(daemon), lost(daemon, "rejected"), there.calls) == (17, 13, 3)
    daemon.wait_log("rejected 3 of 10 spans: too old")
    daemon.wait_log("took 10 spans with a warning: please upgrade")


def test_an_answer_that_breaks_off_is_an_answer_and_none_is_not(spantoll, destination):
    there = destination()
    there.answers = [Answer(200, b"half", cut=True), NO_ANSWER, NO_ANSWER]
    daemon = spantoll(exporters=exporter(there.url))
    assert daemon.export(otlp.many("a", 5)).ok
    wait_sent(daemon, 5)
    daemon.wait_log("took 5 spans; its answer cannot be read")
    assert there.calls == 1
    assert daemon.export(otlp.many("a", 6)).ok
    wait_sent(daemon, 11)
    assert there.calls == 4 and len(there.ids) == 11 and lost(daemon) == 0


def test_after_413_spans_go_in_smaller_requests(spantoll, destination):
    """The Collector loses such a request. Here it is cut; only the span that is too large alone is lost."""
    there = destination(max_body=200_000)
    daemon = spantoll(exporters=exporter(there.url))
    spans = [otlp.span(f"s{i}", attrs={"text": "x" * 1000}) for i in range(900)]
    spans[450].attributes.extend(otlp.attributes({"more": "y" * 300_000}))
    assert daemon.export(otlp.request({"a": spans})).ok
    eventually(lambda: sent(daemon) + lost(daemon) == 900, what="it is answered")
    assert lost(daemon, "too_large") == 1
    assert sorted(there.ids) == sorted(s.span_id for s in spans if s is not spans[450])
    daemon.wait_log("status 413: too much")


def test_5_s_without_the_destination_under_load(spantoll, destination):
    there = destination()
    daemon = spantoll(exporters=exporter(there.url, sending_queue={"queue_size": 200}))
    load = Load(daemon).start(rate=2000)
    eventually(lambda: len(there.taken) > 5, what="some arrive")
    there.stop()
    eventually(lambda: state(daemon)["status"] == "degraded", what="/status says so")
    time.sleep(5)
    there.start()
    eventually(lambda: state(daemon)["status"] == "ok", timeout=30, what="it is back")
    load.stop()
    wait_sent(daemon, len(load.accepted), timeout=60)
    assert lost(daemon) == 0
    assert set(there.ids) == load.accepted


def test_cut_connections_lose_nothing(spantoll, destination, wire):
    there = destination()
    way = wire(there)
    daemon = spantoll(exporters=exporter(f"http://{way.address}"))
    load = Load(daemon).start(rate=3000)
    for _ in range(5):
        seen = there.calls
        eventually(lambda: there.calls > seen + 3, what="requests arrive")
        way.cut()
    load.stop()
    wait_sent(daemon, len(load.accepted), timeout=60)
    assert lost(daemon) == 0
    assert set(there.ids) == load.accepted  # some twice: their answers were cut off


def test_a_silent_server_is_given_up_and_tried_again_and_left_in_time_at_shutdown(spantoll, destination):
    there = destination()
    release = threading.Event()
    there.answers = [lambda r: release.wait(600) and Answer(503)]
    try:
        daemon = spantoll(exporters=exporter(there.url, timeout="300ms"))
        assert daemon.export(otlp.many("a", 4)).ok
        wait_sent(daemon, 4)
        calls = there.calls
        assert calls >= 2
        assert daemon.stop() == 0
        there.always = lambda r: release.wait(600) and Answer(503)
        daemon = spantoll(processors={"batch": {"timeout": "5m"}}, exporters=exporter(there.url, timeout="0s"))
        assert daemon.export(otlp.many("a", 5)).ok
        begin = time.monotonic()
        assert daemon.stop() == 0
        assert time.monotonic() - begin < 60 and there.calls == calls + 1
        assert "lost 5 spans" in daemon.log
    finally:
        release.set()


def test_a_proxy_is_used_when_named_and_never_by_the_environment_for_this_machine(spantoll, destination):
    proxy, there = destination(), destination()
    daemon = spantoll(exporters={"otlphttp": {"endpoint": "http://collector.example:4318", "proxy_url": proxy.url},
                                 "otlphttp/local": {"endpoint": there.url}},
                      env={"http_proxy": "http://127.0.0.1:1"})
    assert daemon.export(otlp.many("a", 3)).ok
    wait_sent(daemon, 3)
    daemon.wait_metric("otelcol_exporter_sent_spans", 3, exporter="otlphttp/local")
    assert proxy.paths == ["http://collector.example:4318/v1/traces"]
    assert proxy.headers[0]["host"] == "collector.example:4318"


def server_tls(pair, clients=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.cert, pair.key)
    if clients:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(clients)
    return context


def test_tls_with_our_authority_and_a_client_certificate(spantoll, destination, tmp_path):
    ours, strangers = Authority(tmp_path), Authority(tmp_path, "strangers")
    client = ours.issue("spantoll", san=None)
    there = destination(tls=server_tls(ours.issue("server"), ours.cert))
    elsewhere = destination(tls=server_tls(ours.issue("elsewhere", san="DNS:elsewhere.example"), ours.cert))
    key = {"cert_file": str(client.cert), "key_file": str(client.key)}
    good = {"ca_file": str(ours.cert)} | key
    settings = {
        "good": (there, good),
        "text": (there, {"ca_pem": ours.cert.read_text(), "cert_pem": client.cert.read_text(), "key_pem": client.key.read_text()}),
        "renamed": (elsewhere, good | {"server_name_override": "elsewhere.example"}),
        "trusting": (elsewhere, key | {"insecure_skip_verify": True, "min_version": "1.3"}),
        "stranger": (there, key | {"ca_file": str(strangers.cert)}),
        "misnamed": (elsewhere, good),
        "nobody": (there, {"ca_file": str(ours.cert)}),
    }
    exporters = {f"otlphttp/{name}": {"endpoint": to.url, "tls": tls, "headers": {"who": name},
                                      "retry_on_failure": QUICK, "required": False}
                 for name, (to, tls) in settings.items()}
    daemon = spantoll(exporters=exporters)
    assert daemon.export(otlp.many("a", 3)).ok
    for name in ("good", "text", "renamed", "trusting"):
        daemon.wait_metric("otelcol_exporter_sent_spans", 3, exporter=f"otlphttp/{name}")
    for name in ("stranger", "misnamed", "nobody"):
        daemon.wait_metric("spantoll_exporter_retries", 2, exporter=f"otlphttp/{name}")
        assert daemon.metric("otelcol_exporter_sent_spans", exporter=f"otlphttp/{name}") == 0
    assert {h["who"] for h in there.headers} == {"good", "text"}
    assert {(h["who"], h["host"]) for h in elsewhere.headers} == {
        (name, f"127.0.0.1:{elsewhere.port}") for name in ("renamed", "trusting")}


def test_renewed_certificates_are_taken_over(spantoll, destination, tmp_path):
    ours, strangers = Authority(tmp_path), Authority(tmp_path, "strangers")
    there = destination(tls=server_tls(ours.issue("server")))
    ca = tmp_path / "trusted.crt"
    ca.write_bytes(strangers.cert.read_bytes())
    daemon = spantoll(exporters=exporter(there.url, tls={"ca_file": str(ca), "reload_interval": "100ms"}))
    assert daemon.export(otlp.many("a", 3)).ok
    daemon.wait_metric("spantoll_exporter_retries", 1, exporter="otlphttp")
    ca.write_bytes(ours.cert.read_bytes())
    wait_sent(daemon, 3)
    daemon.wait_log("connects with new certificates")
    ca.write_text("nonsense")
    daemon.wait_log("no PEM in it.*stay in use")
    assert daemon.export(otlp.many("a", 3)).ok
    wait_sent(daemon, 6)


@pytest.mark.parametrize("encoding,compression", [("proto", "zstd"), ("json", "gzip"), ("json", "zstd")])
def test_spantoll_behind_spantoll_takes_it_over_http(spantoll, encoding, compression):
    behind = spantoll(receivers={"otlp": {"protocols": {"http": {}}}}, exporters={"debug": {"verbosity": "detailed"}})
    front = spantoll(exporters={"otlp_http": {"endpoint": f"http://{behind.http}", "encoding": encoding,
                                              "compression": compression}})
    for i in range(10):
        assert front.export(otlp.many(f"shop-{i}", 50, attrs={"text": "x" * 100, "n": i})).ok
    front.wait_metric("otelcol_exporter_sent_spans", 500, exporter="otlp_http")
    behind.wait_metric("otelcol_exporter_sent_spans", 500, exporter="debug")
    assert behind.metric("otelcol_receiver_accepted_spans", receiver="otlp") == 500
