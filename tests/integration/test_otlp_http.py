# SPDX-License-Identifier: Apache-2.0
"""OTLP/HTTP under use and abuse: connections, chunks, slow and lying clients, bombs, browsers, and the end."""
import json
import re
import shlex
import socket
import subprocess
import threading
import time
import zlib

import pytest
import zstandard

from env import otlp
from env.daemon import BINARY, ROOT
from env.otlp_http import JSON, PACK, PROTOBUF, QUIET_S, TRACES, HttpClient
from env.poll import eventually
from env.ports import free_port

pytestmark = pytest.mark.core
MIB = 1 << 20
SANITIZED = {"asan", "tsan"} & set(BINARY.parts)  # they keep what was freed for a while


def receiver(**http):
    return {"otlp": {"protocols": {"http": http}}}


@pytest.fixture
def daemon(spantoll):
    return spantoll(receivers=receiver())


def dial(daemon):
    return socket.create_connection(("127.0.0.1", daemon.http_port), timeout=60)


def head(length=None, extra=""):
    length = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return f"POST {TRACES} HTTP/1.1\r\nHost: x\r\nContent-Type: {PROTOBUF}\r\n{length}\r\n{extra}\r\n".encode()


def until_closed(s):
    got = b""
    try:
        while data := s.recv(65536):
            got += data
    except ConnectionResetError:
        pass
    return got


# ---- connections ----


def test_one_connection_serves_many_requests(daemon):
    with HttpClient(daemon.http_port) as client:
        assert client.post(otlp.many("shop", 1)).ok
        mine = client.connection.sock
        for _ in range(20):
            assert client.post(otlp.many("shop", 2)).ok
            assert client.post(b"garbage").code == 400
            assert client.post(b"", path="/v1/logs").code == 404
            assert client.post(b"x" * 100_000, type="text/plain").code == 415
        assert client.connection.sock is mine
    assert daemon.metric("otelcol_receiver_accepted_spans") == 41


def test_keep_alives_can_be_switched_off(spantoll):
    daemon = spantoll(receivers=receiver(keep_alives_enabled=False))
    answer = daemon.post(otlp.many("shop", 1))
    assert answer.ok and answer.headers["connection"] == "close"


def test_pipelined_requests_are_answered_in_order(daemon):
    body = otlp.many("shop", 1).SerializeToString()
    with dial(daemon) as s:
        s.sendall(3 * (head(len(body)) + body) + head(1, "Connection: close\r\n") + b"x")
        codes = re.findall(rb"HTTP/1.1 (\d+)", until_closed(s))
    assert codes == [b"200", b"200", b"200", b"400"]


@pytest.mark.parametrize("size", [1, 7, 1000, 70_000])
def test_chunks_of_any_size_are_one_body(daemon, size):
    body = otlp.many("shop", 300).SerializeToString()
    with HttpClient(daemon.http_port) as client:
        pieces = (body[i:i + size] for i in range(0, min(len(body), size * 2000), size))
        whole = len(body) <= size * 2000
        assert client.request("POST", TRACES, pieces, {"Content-Type": PROTOBUF}).code == (200 if whole else 400)


def test_clients_that_expect_100_hear_it_or_the_refusal(daemon):
    body = otlp.many("shop", 1).SerializeToString()
    with dial(daemon) as s:
        s.sendall(head(len(body), "Expect: 100-continue\r\nConnection: close\r\n"))
        assert s.recv(100).startswith(b"HTTP/1.1 100 ")
        s.sendall(body)
        assert b" 200 OK" in until_closed(s)
    with dial(daemon) as s:
        s.sendall(head(100 * MIB, "Expect: 100-continue\r\n"))
        assert until_closed(s).startswith(b"HTTP/1.1 413 ")


def test_too_long_is_answered_before_a_byte_of_it(daemon):
    with dial(daemon) as s:
        s.sendall(head(20 * MIB + 1))
        assert s.recv(100).startswith(b"HTTP/1.1 413 ")


def test_connections_are_limited_and_the_others_wait(spantoll):
    daemon = spantoll(receivers=receiver(max_connections=4, workers=2))
    idle = [dial(daemon) for _ in range(8)]
    threading.Timer(0.5, lambda: [s.close() for s in idle]).start()
    assert daemon.post(otlp.many("shop", 1)).ok


def test_a_unix_socket(spantoll, tmp_path):
    daemon = spantoll(receivers=receiver(endpoint=str(tmp_path / "otlp"), transport="unix"))
    body = otlp.many("shop", 1).SerializeToString()
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(tmp_path / "otlp"))
        s.sendall(head(len(body), "Connection: close\r\n") + body)
        assert b" 200 OK" in until_closed(s)
    assert daemon.metric("otelcol_receiver_accepted_spans") == 1
    assert daemon.stop() == 0 and not (tmp_path / "otlp").exists()


# ---- slow, lying and hostile clients ----


def test_slow_clients_are_cut_off(spantoll):
    """Headers that trickle, a body that trickles, a connection that idles: each has its own time."""
    daemon = spantoll(receivers=receiver(read_header_timeout="600ms", read_timeout="600ms", idle_timeout="600ms"))

    def trickle(s):
        start = time.monotonic()
        try:
            while time.monotonic() - start < 60:
                s.sendall(b"X")
                s.settimeout(0.1)
                try:
                    if not s.recv(1000):
                        break
                except TimeoutError:
                    pass
        except (BrokenPipeError, ConnectionResetError):
            pass
        return time.monotonic() - start

    with dial(daemon) as s:
        s.sendall(b"POST /v1/traces HTTP/1.1\r\nX: ")
        assert trickle(s) < 60
    with dial(daemon) as s:
        s.sendall(head(100_000))
        assert trickle(s) < 60
    with dial(daemon) as s:
        assert until_closed(s) == b""
    eventually(lambda: daemon.metric("otelcol_receiver_requests", transport="http", outcome="failure") == 1, 5,
               "the body that did not come is a failure")


def test_answers_that_are_not_read_do_not_hold_a_connection(spantoll):
    daemon = spantoll(receivers=receiver(write_timeout="500ms", response_headers={"X-Long": "x" * 4000}, workers=1))
    body = head(0)
    with dial(daemon) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.settimeout(60)
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            for _ in range(100_000):
                s.sendall(body * 100)
    assert daemon.post(otlp.many("shop", 1)).ok


@pytest.mark.parametrize("garbage", [b"\0" * 1000, b"GET", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
                                     b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0" * 50,
                                     b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
                                     b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
                                     head() + b"zz\r\n", head() + b"ffffffffffffffffff\r\nx", b"A" * 100_000],
                         ids=["zeros", "get", "tls", "http2", "negative", "huge", "chunk", "chunk-huge", "line"])
def test_garbage_ends_that_connection_only(spantoll, garbage):
    daemon = spantoll(receivers=receiver(read_header_timeout="2s"))
    with dial(daemon) as s:
        try:
            s.sendall(garbage)
            s.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        assert b" 200 " not in until_closed(s)
    assert daemon.post(otlp.many("shop", 1)).ok


def bomb(coding, size):
    packer = {"gzip": lambda: zlib.compressobj(1, zlib.DEFLATED, 31), "deflate": lambda: zlib.compressobj(1),
              "zlib": lambda: zlib.compressobj(1), "zstd": lambda: zstandard.ZstdCompressor().compressobj()}[coding]()
    block = bytes(MIB)
    return b"".join(packer.compress(block) for _ in range(size // MIB)) + packer.flush()


@pytest.mark.parametrize("type", [PROTOBUF, JSON])
@pytest.mark.parametrize("coding", PACK)
def test_bombs_cost_no_more_than_the_limit(spantoll, coding, type):
    daemon = spantoll(receivers=receiver(max_request_body_size="4MiB", workers=1))
    packed = bomb(coding, 64 * MIB)
    assert len(packed) < MIB
    assert daemon.post(b"\x0a\x00" * MIB, coding=coding).code in (200, 400)  # buffers of a busy daemon
    before = daemon.rss_bytes()
    daemon.reset_peak_rss()
    for _ in range(5):
        answer = daemon.post(packed, type=type, headers={"Content-Encoding": coding})
        assert answer.code == 413, answer
    if not SANITIZED:
        assert daemon.peak_rss_bytes() - before < 20 * MIB
    assert daemon.post(otlp.many("shop", 1)).ok


def test_bodies_that_do_not_come_hold_nothing(spantoll):
    """A hundred clients announce 20 MiB each."""
    daemon = spantoll(receivers=receiver(), processors={"memory_limiter": {"check_interval": "100ms", "limit_mib": 64}})
    before = daemon.rss_bytes()
    clients = [dial(daemon) for _ in range(100)]
    for s in clients:
        s.sendall(head(20 * MIB) + b"x" * 1000)
    eventually(lambda: daemon.metric("spantoll_memory_used_bytes") >= 100 * 1000, 10, "all have begun")
    assert daemon.metric("spantoll_memory_used_bytes") <= 100 * 65536
    if not SANITIZED:
        assert daemon.rss_bytes() - before < 20 * MIB
    assert daemon.post(otlp.many("shop", 1)).ok
    for s in clients:
        s.close()
    eventually(lambda: daemon.metric("spantoll_memory_used_bytes") == 0, 10, "all is given back")


def test_without_memory_the_client_is_told_to_come_again(spantoll):
    daemon = spantoll(receivers=receiver(), processors={"memory_limiter": {"check_interval": "100ms", "limit_mib": 8}})
    answer = daemon.post(b"\x0a\x00" * (9 * MIB))
    assert answer.code == 503 and answer.status[1] == "the process is at its memory limit"
    assert int(answer.headers["retry-after"]) >= 1
    assert daemon.post(otlp.many("shop", 1)).ok


# ---- browsers ----


def test_a_page_asks_first_and_then_sends(spantoll):
    daemon = spantoll(receivers=receiver(cors={"allowed_origins": ["https://*.shop.example"], "allowed_headers": ["X-Key"],
                                               "exposed_headers": ["Retry-After"], "max_age": 600}))
    origin = {"Origin": "https://www.shop.example"}
    with HttpClient(daemon.http_port) as page:
        asked = page.request("OPTIONS", headers=origin | {"Access-Control-Request-Method": "POST",
                                                          "Access-Control-Request-Headers": "content-type,x-key"})
        assert asked.code == 204 and asked.body == b""
        assert asked.headers["access-control-allow-origin"] == origin["Origin"]
        assert asked.headers["access-control-allow-methods"] == "POST"
        assert asked.headers["access-control-allow-headers"] == "content-type,x-key"
        assert asked.headers["access-control-max-age"] == "600"
        for body, code in [({"resourceSpans": []}, 200), ({"resourceSpans": 1}, 400)]:
            sent = page.post(body, headers=origin)
            assert sent.code == code and sent.headers["access-control-allow-origin"] == origin["Origin"]
            assert sent.headers["access-control-expose-headers"] == "Retry-After"
            assert "Origin" in sent.headers["vary"]
        other = page.request("OPTIONS", headers={"Origin": "https://shop.example.evil", "Access-Control-Request-Method": "POST"})
        assert other.code == 204 and "access-control-allow-origin" not in other.headers
        assert "access-control-allow-origin" not in page.post({}, headers={"Origin": "https://shop.example.evil"}).headers


# ---- when the client hears OK ----


def span_ids(path):
    return [json.loads(line)["span_id"] for line in path.read_text().splitlines()] if path.exists() else []


def test_exported_waits_for_the_exporter(spantoll, tmp_path):
    out = tmp_path / "spans.jsonl"
    daemon = spantoll(receivers={"otlp": {"acknowledge": "exported", "protocols": {"http": {}}}},
                      processors={"batch": {"timeout": "2s", "send_batch_size": 1000}},
                      exporters={"file": {"path": str(out), "encoding": "json", "required": True}})
    clients = [HttpClient(daemon.http_port) for _ in range(20)]
    bodies = [otlp.many("shop", 5) for _ in clients]
    start = time.monotonic()
    answers = []

    def send(client, body):
        answers.append((client.post(body), {s.span_id.hex() for _, s in otlp.spans_of(body)} <= set(span_ids(out))))

    threads = [threading.Thread(target=send, args=pair) for pair in zip(clients, bodies)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert all(a.ok and written for a, written in answers) and len(answers) == 20
    assert time.monotonic() - start < 30, "many wait at once on few threads"


def test_a_destination_that_refuses_for_good_is_500(spantoll):
    daemon = spantoll(receivers={"otlp": {"acknowledge": "exported", "protocols": {"http": {}}}},
                      exporters={"file": {"path": "/dev/full", "required": True, "retry_on_failure": {"enabled": False}}})
    over_http, over_grpc = daemon.post(otlp.many("shop", 1)), daemon.export(otlp.many("shop", 1))
    assert over_http.status[1] == over_grpc.message and over_http.status[0] == over_grpc.code.value[0]
    assert over_http.code == (503 if over_grpc.retry_delay else 500)


def test_sigterm_loses_nothing_that_was_acknowledged(spantoll, tmp_path):
    """The clients do not stop: whoever heard 200 is in the file, exactly once; the others know."""
    out = tmp_path / "spans.jsonl"
    daemon = spantoll(receivers=receiver(), processors={"batch": {"timeout": "1s", "send_batch_size": 500}},
                      exporters={"file": {"path": str(out), "encoding": "json", "required": True}})
    acknowledged, ended = set(), []

    def send():
        with HttpClient(daemon.http_port) as client:
            while True:
                body = otlp.many("a", 25)
                try:
                    answer = client.post(body)
                except OSError as e:
                    ended.append(type(e))
                    return
                if not answer.ok:
                    ended.append(answer.code)
                    return
                acknowledged.update(s.span_id.hex() for _, s in otlp.spans_of(body))

    threads = [threading.Thread(target=send) for _ in range(4)]
    for t in threads:
        t.start()
    daemon.wait_metric("otelcol_receiver_accepted_spans", 2000)
    start = time.monotonic()
    status = daemon.stop()
    assert time.monotonic() - start < 30
    for t in threads:
        t.join()
    found = span_ids(out)
    assert status == 0 and len(found) == len(set(found))
    assert acknowledged <= set(found) and len(acknowledged) >= 2000
    assert len(ended) == 4


def test_a_reload_refuses_nobody(spantoll, tmp_path):
    """The receiver changes and keeps its port: who sends all the time is told to reconnect, and loses nothing."""
    out, port = tmp_path / "spans.jsonl", free_port()

    def config(n):
        return {"receivers": receiver(endpoint=f"127.0.0.1:{port}", response_headers={"X-Config": str(n)}),
                "exporters": {"file": {"path": str(out), "encoding": "json", "required": True}}}

    daemon = spantoll(**config(0))
    acknowledged, refused, seen, stop = set(), [], set(), threading.Event()

    def send():
        with HttpClient(port) as client:
            while not stop.wait(0.002):
                body = otlp.many("a", 5)
                try:
                    answer = client.post(body)
                except OSError as e:
                    if time.monotonic() - client.heard < QUIET_S:
                        refused.append(repr(e))
                    client.close()
                    continue
                seen.add(answer.headers["x-config"])
                if answer.ok:
                    acknowledged.update(s.span_id.hex() for _, s in otlp.spans_of(body))
                else:
                    refused.append(answer)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for t in threads:
        t.start()
    for n in range(1, 6):
        daemon.reload(**config(n))
        eventually(lambda: str(n) in seen, 10, "the new configuration answers")
    stop.set()
    for t in threads:
        t.join()
    assert not refused and len(acknowledged) >= 25
    assert daemon.stop() == 0
    found = span_ids(out)
    assert len(found) == len(set(found)) and set(found) == acknowledged


# ---- the page ----


def test_the_readmes_curl_lines_work(daemon, tmp_path):
    lines = [line for line in (ROOT / "receivers/otlp/README.md").read_text().splitlines() if line.startswith("curl ")]
    assert len(lines) >= 3
    (tmp_path / "request.otlp").write_bytes(otlp.many("shop", 2).SerializeToString())
    (tmp_path / "request.json.gz").write_bytes(PACK["gzip"](b'{"resourceSpans": []}'))
    for line in lines:
        argv = [a.replace("127.0.0.1:4318", daemon.http) for a in shlex.split(line)]
        done = subprocess.run(argv, cwd=tmp_path, capture_output=True, timeout=300, check=True)
        assert done.stdout.startswith(b"HTTP/1.1 200 OK"), done.stdout
    assert daemon.metric("otelcol_receiver_accepted_spans") == 2
