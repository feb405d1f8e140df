# SPDX-License-Identifier: Apache-2.0
"""What an OTLP client hears over gRPC: every status as the OTLP specification wants it, on the wire."""
import gzip
import os
import socket

import grpc
import pytest

from env import http2, otlp
from env.poll import eventually

pytestmark = pytest.mark.core

Code = grpc.StatusCode
HEALTH = "/grpc.health.v1.Health/Check"
TRACES = "opentelemetry.proto.collector.trace.v1.TraceService"


def requests(daemon, outcome):
    return daemon.metric("otelcol_receiver_requests", outcome=outcome)


def test_success_leaves_partial_success_unset(spantoll):
    daemon = spantoll()
    answer = daemon.export(otlp.many("shop", 10))
    assert answer.ok and not answer.response.HasField("partial_success")
    assert answer.response.ByteSize() == 0
    assert daemon.metric("otelcol_receiver_accepted_spans") == 10
    assert requests(daemon, "success") == 1


@pytest.mark.parametrize("body", [b"", otlp.Request().SerializeToString(), b"\x0a\x00", b"\x0a\x02\x12\x00"],
                         ids=["nothing", "message", "resource", "scope"])
def test_an_empty_request_is_fine(spantoll, body):
    daemon = spantoll()
    answer = daemon.export(body)
    assert answer.ok and answer.response.ByteSize() == 0


@pytest.mark.parametrize("body", [b"\x0a\x05abc", b"\xff" * 100, b"\x0a", os.urandom(2000) + b"\x0b"],
                         ids=["cut", "ones", "tag", "random"])
def test_malformed_is_invalid_argument_with_a_reason(spantoll, body):
    daemon = spantoll()
    answer = daemon.export(body)
    assert answer.code == Code.INVALID_ARGUMENT
    assert answer.message and answer.retry_delay is None
    assert requests(daemon, "failure") == 1


def test_bad_spans_are_rejected_alone(spantoll):
    daemon = spantoll()
    bad = [otlp.span(trace_id=b"\0" * 16), otlp.span(trace_id=b"short"), otlp.span(span_id=b"\1" * 9)]
    answer = daemon.export(otlp.request({"shop": [otlp.span(), *bad, otlp.span()]}))
    assert answer.ok and answer.rejected == 3
    assert "3 spans rejected" in answer.reason and "id" in answer.reason
    assert daemon.metric("otelcol_receiver_accepted_spans") == 2
    assert daemon.metric("spantoll_receiver_rejected_spans") == 3
    answer = daemon.export(otlp.request({"shop": bad[:1]}))
    assert answer.ok and answer.rejected == 1 and "1 span rejected" in answer.reason


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
def test_over_the_size_limit_is_final(spantoll, compressed):
    daemon = spantoll(receivers={"otlp": {"protocols": {"grpc": {"max_recv_msg_size_mib": 1}}}})
    fits = otlp.request({"shop": [otlp.span(attrs={"a": "x" * 1_040_000})]})
    large = otlp.request({"shop": [otlp.span(attrs={"a": "x" * 1_050_000})]})
    assert daemon.export(fits, gzip=compressed).ok
    answer = daemon.export(large, gzip=compressed)
    assert answer.code == Code.RESOURCE_EXHAUSTED
    assert answer.retry_delay is None, "a client would send it again and again"
    assert daemon.export(fits, gzip=compressed).ok
    eventually(lambda: requests(daemon, "failure") == 1, what="the failure is counted")


def test_overload_says_when_to_come_back(spantoll):
    daemon = spantoll(exporters={"file": {"path": "/dev/full", "required": True, "sending_queue": {"queue_size": 1},
                                          "retry_on_failure": {"max_elapsed_time": "0s"}}})
    bad = otlp.span(trace_id=b"short")
    answers = [daemon.export(otlp.request({"shop": [otlp.span(), otlp.span(), bad]})) for _ in range(8)]
    refused = [a for a in answers if not a.ok]
    assert len(refused) >= 5
    for answer in refused:
        assert answer.code == Code.UNAVAILABLE
        assert 1 <= answer.retry_delay <= 30
    assert len({a.retry_delay for a in refused}) > 1, "delays are spread"
    assert daemon.metric("otelcol_receiver_refused_spans") == 2 * len(refused)
    assert requests(daemon, "refused") == len(refused)
    # What comes again is counted when it is answered for good.
    assert daemon.metric("spantoll_receiver_rejected_spans") == len(answers) - len(refused)
    daemon.kill()


@pytest.mark.parametrize("method", ["/nobody.Service/Nothing", f"/{TRACES}/Import", "/",
                                    "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
                                    "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
                                    "/grpc.health.v1.Health/Watch"])
def test_unknown_methods_are_answered_at_once(spantoll, method):
    daemon = spantoll()
    assert daemon.export(otlp.many("shop", 1)).ok  # connected
    answer = daemon.client.call(method, b"x" * 1000)
    assert answer.code == Code.UNIMPLEMENTED
    assert requests(daemon, "failure") == 1


@pytest.mark.parametrize("signal", ["metrics.v1.Metrics", "logs.v1.Logs", "profiles.v1development.Profiles"])
def test_other_signals_are_told_kindly(spantoll, signal):
    daemon = spantoll()
    answer = daemon.client.call(f"/opentelemetry.proto.collector.{signal}Service/Export", b"x" * 1_000_000)
    assert answer.code == Code.UNIMPLEMENTED and "traces only" in answer.message
    assert requests(daemon, "failure") == 1
    assert daemon.export(otlp.many("shop", 1)).ok


def test_health_is_readiness(spantoll):
    daemon = spantoll()
    for service in ["", TRACES]:
        request = b"\x0a" + bytes([len(service)]) + service.encode() if service else b""
        answer = daemon.client.call(HEALTH, request)
        assert answer.code == Code.OK and answer.response == b"\x08\x01"  # SERVING
    assert daemon.client.call(HEALTH, b"\x0a\x04none").code == Code.NOT_FOUND
    assert daemon.client.call(HEALTH, b"\x0a\xff").code == Code.INVALID_ARGUMENT


@pytest.mark.parametrize("body, status", [
    (gzip.compress(b""), "0"), (gzip.compress(b"\x0a\x04none"), "5"), (b"garbage", "3"), (b"", "3"),
    (gzip.compress(b"\x0a\xff"), "3"), (gzip.compress(b"\x0a\xff\x1f" + b"x" * 4095), "3")],
    ids=["serving", "unknown", "garbage", "nothing", "malformed", "bomb"])
def test_health_inflates_gzip(spantoll, raw, body, status):
    daemon = spantoll()
    r = raw(daemon)
    r.headers(path=HEALTH, encoding="gzip")
    r.message(body, flag=1)
    assert r.status() == status


def test_health_waits_for_prices(spantoll, price_server):
    prices = price_server({})
    prices.status = 500
    daemon = spantoll(wait=False, processors={"pricing": {"endpoint": prices.url}})
    eventually(lambda: daemon.client.call(HEALTH).code == Code.OK, what="it answers")
    assert daemon.client.call(HEALTH).response == b"\x08\x02"  # NOT_SERVING


def test_gzip_is_inflated(spantoll):
    daemon = spantoll()
    assert daemon.export(otlp.many("shop", 500), gzip=True).ok
    assert daemon.metric("otelcol_receiver_accepted_spans") == 500


# ---- below gRPC: what no client library would send ----


@pytest.fixture
def raw():
    made = []

    def connect(daemon):
        made.append(http2.Connection(daemon.grpc_port))
        return made[-1]

    yield connect
    for r in made:
        r.close()


@pytest.mark.parametrize("encoding, body", [
    ("zstd", b"\x28\xb5\x2f\xfd\x04\x00rest of it"), ("snappy", b"\xff\x06\x00\x00sNaPpYrest"),
    ("deflate", b"\x78\x9c\x03\x00\x00\x00\x00\x01")])
def test_unknown_compression_is_unimplemented(spantoll, raw, encoding, body):
    daemon = spantoll()
    r = raw(daemon)
    r.headers(encoding=encoding)
    r.message(body, flag=1)
    assert r.status() == "12"
    assert daemon.export(otlp.many("shop", 1)).ok


@pytest.mark.parametrize("body", [b"", b"\x1f", b"garbage", gzip.compress(otlp.many("a", 9).SerializeToString())[:-9],
                                  gzip.compress(b"\x0a\x00") + b"trailing bytes"],
                         ids=["nothing", "magic", "garbage", "cut", "trailing"])
def test_bad_gzip_is_invalid_argument(spantoll, raw, body):
    daemon = spantoll()
    r = raw(daemon)
    r.headers(encoding="gzip")
    r.message(body, flag=1)
    assert r.status() == "3"


def test_gzip_of_several_members_is_one_message(spantoll, raw):
    daemon = spantoll()
    body = otlp.many("shop", 3).SerializeToString()
    r = raw(daemon)
    r.headers(encoding="gzip")
    r.message(gzip.compress(body[:100]) + gzip.compress(body[100:]), flag=1)
    assert r.status() == "0"
    assert daemon.metric("otelcol_receiver_accepted_spans") == 3


@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
                                     os.urandom(5000), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 1000],
                         ids=["http1", "tls", "random", "frames"])
def test_garbage_on_the_port_ends_that_connection_only(spantoll, garbage):
    daemon = spantoll()
    with socket.create_connection(("127.0.0.1", daemon.grpc_port), timeout=60) as s:
        s.sendall(garbage)
        try:
            while s.recv(65536):
                pass
        except ConnectionResetError:
            pass
    assert daemon.export(otlp.many("shop", 1)).ok


def test_a_wrong_content_type_is_refused(spantoll, raw):
    daemon = spantoll()
    r = raw(daemon)
    r.headers(content_type="text/html")
    r.message(b"<html>")
    assert daemon.export(otlp.many("shop", 1)).ok


def test_a_silent_connection_is_closed(spantoll):
    """From accept to the client's first frames: 5 s."""
    daemon = spantoll()
    with socket.create_connection(("127.0.0.1", daemon.grpc_port), timeout=60) as s:
        while s.recv(65536):  # our SETTINGS come first
            pass
    assert daemon.export(otlp.many("shop", 1)).ok


def test_a_unix_socket_serves_too(spantoll, tmp_path):
    """What a killed process left at the path is replaced, what somebody answers on is not."""
    path = tmp_path / "otlp.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    receivers = {"otlp": {"protocols": {"grpc": {"endpoint": str(path), "transport": "unix"}}}}
    daemon = spantoll(receivers=receivers)
    client = otlp.Client(f"unix:{path}")
    assert client.export(otlp.many("shop", 4)).ok
    second = spantoll(wait=False, receivers=receivers)
    second.expect_failure = True
    assert second.wait(10) != 0
    assert f"protocols::grpc::endpoint: cannot listen on {path}: another process or file is there" in second.log
    assert client.export(otlp.many("shop", 1)).ok
    client.close()
    assert daemon.metric("otelcol_receiver_accepted_spans") == 5
    daemon.stop()
    assert not path.exists()


def test_a_busy_port_is_an_error_that_names_it(spantoll):
    first = spantoll()
    second = spantoll(wait=False, receivers={"otlp": {"protocols": {"grpc": {"endpoint": first.grpc}}}})
    second.expect_failure = True
    eventually(lambda: not second.running(), what="the second daemon gives up")
    assert second.child.returncode != 0
    assert "protocols::grpc::endpoint" in second.log and first.grpc in second.log
    assert first.export(otlp.many("shop", 1)).ok


def test_requests_inside_are_answered_at_shutdown(spantoll):
    daemon = spantoll()
    waiting = [daemon.client.start(otlp.many("shop", 100)) for _ in range(50)]
    daemon.stop()
    codes = {wait().code for wait in waiting}
    assert codes <= {Code.OK} | otlp.RETRYABLE, "either taken or told to come again"
