# SPDX-License-Identifier: Apache-2.0
"""TLS and mutual TLS: who may connect, with which version, and new certificates without a failed call."""
import http.client
import shutil
import socket
import ssl
import threading

import grpc
import pytest

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from env import otlp
from env.docs import curl_lines, run
from env.otlp_http import HttpClient, tls_context
from env.certificates import Authority
from env.poll import eventually

pytestmark = pytest.mark.core
BOTH = pytest.mark.parametrize("protocol", ["grpc", "http"])


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"), "stranger")


@pytest.fixture(scope="module")
def server_pair(ca):
    return ca.issue("server")


def tls_of(pair, **more):
    return {"cert_file": str(pair.cert), "key_file": str(pair.key), **more}


def receivers(tls, protocol="grpc"):
    """One protocol with TLS; gRPC is always there, the environment gives it an endpoint."""
    return {"otlp": {"protocols": {"grpc": {}} | {protocol: {"tls": tls}}}}


def port_of(daemon, protocol):
    return daemon.grpc_port if protocol == "grpc" else daemon.http_port


def send(daemon, protocol, ca=None, pair=None, spans=1):
    """On a connection of its own: True when taken, False when there was no connection. ca None: plain text."""
    body = otlp.many("checkout", spans)
    if protocol == "http":
        try:
            with HttpClient(daemon.http_port, tls=ca and tls_context(ca, pair), timeout=60) as client:
                return client.post(body).ok
        except (OSError, http.client.HTTPException):
            return False
    client = otlp.Client(daemon.grpc, [("grpc.use_local_subchannel_pool", 1)], ca and otlp.tls_credentials(ca, pair))
    answer = client.export(body, wait_for_ready=False)
    client.close()
    assert answer.code in (grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE), answer
    return answer.ok


def handshake(port, ca, pair=None, **versions):
    """(TLS version, the server's certificate as DER) or the error. The daemon's word after the handshake counts: in
    TLS 1.3 a server refuses a client's certificate only then."""
    context = ssl.create_default_context(cafile=ca.cert)
    context.set_alpn_protocols(["h2", "http/1.1"])
    context.set_ciphers("ALL:@SECLEVEL=0")
    for name, value in versions.items():
        setattr(context, name, value)
    if pair:
        context.load_cert_chain(pair.cert, pair.key)
    try:
        with socket.create_connection(("127.0.0.1", port), 60) as plain:
            with context.wrap_socket(plain, server_hostname="127.0.0.1") as s:
                s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" if s.selected_alpn_protocol() != "h2" else PREFACE)
                return (s.version(), s.getpeercert(True)) if s.recv(9) else "closed"
    except (ssl.SSLError, ConnectionError) as e:
        return str(e)


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\x04" + bytes(5)


@BOTH
def test_spans_travel_encrypted(spantoll, ca, stranger, server_pair, protocol):
    daemon = spantoll(receivers=receivers(tls_of(server_pair), protocol))
    port = port_of(daemon, protocol)
    assert send(daemon, protocol, ca, spans=3)
    assert not send(daemon, protocol), "plain text on a TLS port"
    assert not send(daemon, protocol, stranger), "the client does not trust us"
    assert handshake(port, ca)[0] == "TLSv1.3"
    assert handshake(port, ca, maximum_version=ssl.TLSVersion.TLSv1_2)[0] == "TLSv1.2"
    assert "protocol" in handshake(port, ca, minimum_version=ssl.TLSVersion.TLSv1_1,
                                   maximum_version=ssl.TLSVersion.TLSv1_1).lower()
    assert daemon.metric("otelcol_receiver_accepted_spans") == 3


@BOTH
def test_min_and_max_version_are_kept(spantoll, ca, server_pair, protocol):
    daemon = spantoll(receivers=receivers(tls_of(server_pair, min_version="1.3"), protocol))
    assert send(daemon, protocol, ca)
    assert "protocol" in handshake(port_of(daemon, protocol), ca, maximum_version=ssl.TLSVersion.TLSv1_2).lower()
    daemon = spantoll(receivers=receivers(tls_of(server_pair, max_version="1.2"), protocol))
    assert handshake(port_of(daemon, protocol), ca)[0] == "TLSv1.2"


@BOTH
def test_mutual_tls_takes_only_clients_of_the_authority(spantoll, ca, stranger, server_pair, protocol):
    daemon = spantoll(receivers=receivers(tls_of(server_pair, client_ca_file=str(ca.cert)), protocol))
    mine, theirs = ca.issue("checkout", san=None), stranger.issue("thief", san=None)
    server_only = ca.issue("web", usage="serverAuth")
    assert send(daemon, protocol, ca, mine)
    for pair in (None, theirs, server_only):
        assert not send(daemon, protocol, ca, pair), pair
    assert daemon.metric("otelcol_receiver_accepted_spans") == 1


@BOTH
def test_new_certificates_without_a_failed_call(spantoll, ca, protocol):
    live = ca.issue("live-" + protocol)
    daemon = spantoll(receivers=receivers(tls_of(live, reload_interval="50ms"), protocol))
    old = handshake(port_of(daemon, protocol), ca)[1]
    answers, stop = [], threading.Event()

    def load():
        kept = daemon.new_client(tls=otlp.tls_credentials(ca)) if protocol == "grpc" else \
            HttpClient(daemon.http_port, tls=tls_context(ca))
        again = kept.export if protocol == "grpc" else kept.post
        while not stop.is_set():
            answers.append(again(otlp.many("checkout", 1)).ok)
            answers.append(send(daemon, protocol, ca))

    threads = [threading.Thread(target=load) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        new = ca.issue("next-" + protocol)
        shutil.copy(new.cert, live.cert)  # for a moment the key is another one's: that is not used
        daemon.wait_log("the old certificates stay in use: .*key does not belong to the certificate")
        shutil.copy(new.key, live.key)
        eventually(lambda: handshake(port_of(daemon, protocol), ca)[1] != old, 10, "the new certificate")
        at_change = len(answers)
        eventually(lambda: len(answers) > at_change + 40, 20, "calls after the change")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert all(answers), f"{answers.count(False)} of {len(answers)} failed"


@BOTH
def test_a_new_authority_of_clients_is_picked_up(spantoll, ca, stranger, server_pair, protocol, tmp_path):
    trusted = tmp_path / "clients.pem"
    shutil.copy(ca.cert, trusted)
    daemon = spantoll(receivers=receivers(tls_of(server_pair, client_ca_file=str(trusted), client_ca_file_reload=True),
                                          protocol))
    theirs = stranger.issue("guest-" + protocol, san=None)
    assert not send(daemon, protocol, ca, theirs)
    trusted.write_bytes(ca.cert.read_bytes() + stranger.cert.read_bytes())
    eventually(lambda: send(daemon, protocol, ca, theirs), 10, "the new authority is trusted")


def test_the_python_sdk_speaks_mutual_tls(spantoll, ca, server_pair, monkeypatch):
    """As docs/tls.md says: by the environment alone."""
    tls = tls_of(server_pair, client_ca_file=str(ca.cert))
    daemon = spantoll(receivers=receivers(tls))
    mine = ca.issue("sdk")
    for name, value in {"ENDPOINT": f"https://{daemon.grpc}", "CERTIFICATE": ca.cert, "CLIENT_CERTIFICATE": mine.cert,
                        "CLIENT_KEY": mine.key}.items():
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_" + name, str(value))
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    with provider.get_tracer("test").start_as_current_span("pay"):
        pass
    provider.shutdown()
    assert daemon.metric("otelcol_receiver_accepted_spans") == 1


def test_the_curl_line_of_the_page_works(spantoll, ca, server_pair):
    daemon = spantoll(receivers=receivers(tls_of(server_pair, client_ca_file=str(ca.cert)), "http"))
    mine = ca.issue("curl")
    for line in curl_lines("tls.md", {"ca.crt": ca.cert, "client.crt": mine.cert, "client.key": mine.key,
                                      "localhost:4318": f"localhost:{daemon.http_port}"}):
        assert run(line).splitlines()[0] == "HTTP/1.1 200 OK"


def test_what_is_wrong_with_the_files_is_said(spantoll, ca, server_pair, tmp_path):
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    other = ca.issue("other")
    for tls, sentence in [
        (tls_of(server_pair) | {"cert_file": "/nowhere.pem"}, "tls::cert_file: cannot read /nowhere.pem: No such file"),
        (tls_of(server_pair) | {"cert_file": str(empty)}, "tls::cert_file: no certificate in PEM"),
        (tls_of(server_pair) | {"key_file": str(empty)}, "tls::key_file: no private key in PEM"),
        (tls_of(server_pair) | {"key_file": str(other.key)}, "key_file: the key does not belong to the certificate"),
        (tls_of(server_pair, client_ca_file=str(empty)), "tls::client_ca_file: no certificate in PEM"),
    ]:
        daemon = spantoll(receivers=receivers(tls), wait=False)
        daemon.expect_failure = True
        assert daemon.wait(10) != 0
        assert sentence in daemon.log


def test_an_expired_certificate_is_a_warning(spantoll, ca):
    daemon = spantoll(receivers=receivers(tls_of(ca.issue("old", days=-1))))
    daemon.wait_log("warn .*protocols::grpc::tls: the certificate has expired")
