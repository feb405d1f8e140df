# SPDX-License-Identifier: Apache-2.0
"""What an OTLP/HTTP client hears: every status as the OTLP specification wants it, in the client's own encoding."""
import json
import os

import pytest

from env import otlp
from env.otlp_http import JSON, PACK, PROTOBUF, TRACES, HttpClient

pytestmark = pytest.mark.core
HTTP = {"otlp": {"protocols": {"http": {}}}}
TRACE_ID, SPAN_ID = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174"


@pytest.fixture
def daemon(spantoll):
    return spantoll(receivers=HTTP)


def json_request(*spans):
    return {"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
                               "scopeSpans": [{"spans": list(spans)}]}]}


def json_span(**other):
    return {"traceId": TRACE_ID, "spanId": SPAN_ID, "name": "a", "startTimeUnixNano": "1", "endTimeUnixNano": "2"} | other


def requests(daemon, outcome):
    return daemon.metric("otelcol_receiver_requests", outcome=outcome, transport="http")


def test_success_is_empty_in_the_requests_type(daemon):
    answer = daemon.post(otlp.many("shop", 10))
    assert answer.ok and answer.type == PROTOBUF and answer.body == b""
    answer = daemon.post(json_request(json_span()))
    assert answer.ok and answer.type == JSON and answer.body == b"{}"
    assert daemon.metric("otelcol_receiver_accepted_spans") == 11
    assert requests(daemon, "success") == 2
    assert daemon.metric("otelcol_receiver_requests", transport="grpc") == 0


@pytest.mark.parametrize("body", [b"", b"\x0a\x00", b"\x0a\x02\x12\x00", {}, {"resourceSpans": []}],
                         ids=["nothing", "resource", "scope", "json", "json-list"])
def test_an_empty_request_is_fine(daemon, body):
    answer = daemon.post(body)
    assert answer.ok and answer.rejected == 0


@pytest.mark.parametrize("coding", PACK)
@pytest.mark.parametrize("type", [PROTOBUF, JSON])
def test_codings_are_inflated(daemon, coding, type):
    body = otlp.many("shop", 3) if type == PROTOBUF else json_request(json_span(), json_span(), json_span())
    assert daemon.post(body, coding=coding).ok
    assert daemon.metric("otelcol_receiver_accepted_spans") == 3


def test_type_and_coding_are_read_as_http_says(daemon):
    body = otlp.many("shop", 1)
    assert daemon.post(otlp.varied(body), type="Application/X-Protobuf; v=1").ok
    assert daemon.post(PACK["gzip"](otlp.varied(body)), headers={"Content-Encoding": "GZIP"}).ok
    assert daemon.post(otlp.varied(body), headers={"Content-Encoding": "identity"}).ok
    assert daemon.metric("otelcol_receiver_accepted_spans") == 3


def test_bad_spans_are_rejected_alone(daemon):
    bad = [otlp.span(trace_id=b"short"), otlp.span(span_id=b"\1" * 9)]
    answer = daemon.post(otlp.request({"shop": [otlp.span(), *bad]}))
    assert answer.ok and answer.rejected == 2
    assert "2 spans rejected" in answer.response.partial_success.error_message
    answer = daemon.post(json_request(json_span(), json_span(spanId="")))
    assert answer.ok and answer.rejected == 1
    assert "1 span rejected" in json.loads(answer.body)["partialSuccess"]["errorMessage"]
    assert daemon.metric("otelcol_receiver_accepted_spans") == 2
    assert daemon.metric("spantoll_receiver_rejected_spans") == 3


@pytest.mark.parametrize("body, type", [(b"\x0a\x05abc", PROTOBUF), (os.urandom(2000) + b"\x0b", PROTOBUF),
                                        (b"{", JSON), (b'{"resourceSpans":7}', JSON), (b"\xff\xfe", JSON), (b"", JSON)],
                         ids=["cut", "random", "json-cut", "json-type", "json-bytes", "json-nothing"])
def test_malformed_is_400_with_a_status(daemon, body, type):
    answer = daemon.post(body, type=type)
    assert answer.code == 400 and answer.type == type
    code, message = answer.status
    assert code == 3 and message and answer.retry_delay is None
    assert requests(daemon, "failure") == 1


@pytest.mark.parametrize("coding", PACK)
@pytest.mark.parametrize("type", [PROTOBUF, JSON])
def test_a_broken_coding_is_400_and_named(daemon, coding, type):
    for body in (b"", b"garbage", PACK[coding](b"\x0a\x00" * 500)[:-9]):
        answer = daemon.post(body, type=type, headers={"Content-Encoding": coding})
        assert answer.code == 400 and answer.status == (3, f"the body is not valid {coding}")


@pytest.mark.parametrize("type", [None, "", "text/plain", "application/x-www-form-urlencoded", "application/protobuf"])
def test_an_unknown_type_is_415_in_plain_words(daemon, type):
    answer = daemon.post(b"x", type=type)
    assert answer.code == 415 and answer.type.startswith("text/plain")
    assert b"application/x-protobuf" in answer.body and b"application/json" in answer.body
    assert requests(daemon, "failure") == 1


@pytest.mark.parametrize("coding", ["snappy", "lz4", "br", "gzip, gzip", "x"])
def test_an_unknown_coding_is_415_and_says_which_are_known(daemon, coding):
    answer = daemon.post(b"x", headers={"Content-Encoding": coding})
    assert answer.code == 415
    assert answer.headers["accept-encoding"] == "identity, gzip, deflate, zlib, zstd"
    assert "zstd" in answer.status[1]


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/trace", "/v1/traces/", "/v1/tracesx", "//v1/traces"])
def test_an_unknown_path_is_404_and_says_the_right_one(daemon, path):
    answer = daemon.post(otlp.many("shop", 1), path=path)
    assert answer.code == 404 and answer.status == (5, "unknown path: POST traces to /v1/traces")
    answer = daemon.post(b"", path=path, type=None)
    assert answer.code == 404 and answer.body == b"unknown path: POST traces to /v1/traces\n"


@pytest.mark.parametrize("path", ["/v1/metrics", "/v1/logs", "/v1development/profiles"])
@pytest.mark.parametrize("type", [PROTOBUF, JSON])
def test_other_signals_are_told_kindly(daemon, path, type):
    with HttpClient(daemon.http_port) as client:
        answer = client.post(b"x" * 1_000_000, path=path, type=type)
        assert answer.code == 404 and answer.type == type
        assert answer.status[0] == 12 and "traces only" in answer.status[1]
        assert client.post(otlp.many("shop", 1)).ok, "the connection is still good"


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods_are_405(daemon, method):
    with HttpClient(daemon.http_port) as client:
        answer = client.request(method)
        assert answer.code == 405 and answer.headers["allow"] == "POST"
        assert client.post(otlp.many("shop", 1)).ok


def test_over_the_size_limit_is_final(spantoll):
    daemon = spantoll(receivers={"otlp": {"protocols": {"http": {"max_request_body_size": "1MiB"}}}})
    fits = otlp.request({"shop": [otlp.span(attrs={"a": "x" * 1_040_000})]})
    large = otlp.request({"shop": [otlp.span(attrs={"a": "x" * 1_050_000})]}).SerializeToString()
    assert daemon.post(fits).ok
    for coding in PACK:
        answer = daemon.post(large, coding=coding)
        assert answer.code == 413 and answer.status[0] == 8 and answer.retry_delay is None
        assert answer.headers.get("retry-after") is None
        assert daemon.post(fits, coding=coding).ok
    with HttpClient(daemon.http_port) as client:
        answer = client.request("POST", TRACES, (large[i:i + 65536] for i in range(0, len(large), 65536)),
                                {"Content-Type": PROTOBUF})
        assert answer.code == 413, "in chunks"
    answer = daemon.post(os.urandom(30_000_000))
    assert answer.code == 413 and answer.headers["connection"] == "close"
    assert requests(daemon, "failure") == len(PACK) + 2


def test_overload_says_when_to_come_back(spantoll):
    daemon = spantoll(receivers=HTTP,
                      exporters={"file": {"path": "/dev/full", "required": True, "sending_queue": {"queue_size": 1},
                                          "retry_on_failure": {"max_elapsed_time": "0s"}}})
    answers = [daemon.post(otlp.many("shop", 2)) for _ in range(6)] + [daemon.post(json_request(json_span())) for _ in "12"]
    refused = [a for a in answers if not a.ok]
    assert len(refused) >= 5 and {a.type for a in refused} == {PROTOBUF, JSON}
    for answer in refused:
        assert answer.code == 503 and answer.status[0] == 14
        assert 1 <= answer.retry_delay <= 30
        assert answer.retry_delay <= int(answer.headers["retry-after"]) < answer.retry_delay + 1
    assert len({a.retry_delay for a in refused}) > 1, "delays are spread"
    assert requests(daemon, "refused") == len(refused)
    daemon.kill()


def test_the_path_is_configurable(spantoll):
    daemon = spantoll(receivers={"otlp": {"protocols": {"http": {"traces_url_path": "otlp/spans"}}}})
    assert daemon.post(otlp.many("shop", 1), path="/otlp/spans").ok
    assert daemon.post(otlp.many("shop", 1)).status == (5, "unknown path: POST traces to /otlp/spans")


def test_codings_can_be_switched_off(spantoll):
    daemon = spantoll(receivers={"otlp": {"protocols": {"http": {"compression_algorithms": ["", "zstd"]}}}})
    assert daemon.post(otlp.many("shop", 1)).ok
    assert daemon.post(otlp.many("shop", 1), coding="zstd").ok
    assert daemon.post(otlp.many("shop", 1), coding="gzip").code == 415


def test_http_can_be_the_only_protocol(spantoll):
    daemon = spantoll(config="""
receivers: {otlp: {protocols: {http: {endpoint: "@HTTP@", response_headers: {X-Here: there}}}}}
exporters: {nop: }
extensions: {health_check: {endpoint: "@HEALTH@"}}
service: {extensions: [health_check], pipelines: {traces: {receivers: [otlp], exporters: [nop]}}, telemetry: {metrics: {level: none}}}
""")
    answer = daemon.post(otlp.many("shop", 1))
    assert answer.ok and answer.headers["x-here"] == "there"
    assert daemon.post(b"", path="/").headers["x-here"] == "there"
