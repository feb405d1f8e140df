# SPDX-License-Identifier: Apache-2.0
"""TLS and mutual TLS: who may connect, with which version, and new certificates without a failed call."""
import shutil
import socket
import ssl
import threading

import grpc
import pytest

from env import otlp
from env.certificates import Authority
from env.poll import eventually

pytestmark = pytest.mark.core
UNAVAILABLE = grpc.StatusCode.UNAVAILABLE


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


def receivers(tls):
    return {"otlp": {"protocols": {"grpc": {"tls": tls}}}}


def handshake(port, ca, pair=None, **versions):
    """(TLS version, the server's certificate as DER) or the error. The daemon's word after the handshake counts: in
    TLS 1.3 a server refuses a client's certificate only then."""
    context = ssl.create_default_context(cafile=ca.cert)
    context.set_alpn_protocols(["h2"])
    context.set_ciphers("ALL:@SECLEVEL=0")
    for name, value in versions.items():
        setattr(context, name, value)
    if pair:
        context.load_cert_chain(pair.cert, pair.key)
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as plain:
            with context.wrap_socket(plain, server_hostname="127.0.0.1") as s:
                s.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\x04" + bytes(5))
                return (s.version(), s.getpeercert(True)) if s.recv(9) else "closed"
    except (ssl.SSLError, ConnectionError) as e:
        return str(e)


def refused(client):
    answer = client.export(otlp.many("checkout", 1), wait_for_ready=False, timeout=5)
    assert answer.code == UNAVAILABLE, answer
    return True


def test_spans_travel_encrypted(spantoll, ca, stranger, server_pair):
    daemon = spantoll(receivers=receivers(tls_of(server_pair)))
    client = daemon.new_client(tls=otlp.tls_credentials(ca))
    assert client.export(otlp.many("checkout", 3)).ok
    assert refused(daemon.new_client()), "plain text on a TLS port"
    assert refused(daemon.new_client(tls=otlp.tls_credentials(stranger))), "the client does not trust us"
    assert handshake(daemon.grpc_port, ca)[0] == "TLSv1.3"
    assert handshake(daemon.grpc_port, ca, maximum_version=ssl.TLSVersion.TLSv1_2)[0] == "TLSv1.2"
    assert "protocol" in handshake(daemon.grpc_port, ca, minimum_version=ssl.TLSVersion.TLSv1_1,
                                   maximum_version=ssl.TLSVersion.TLSv1_1).lower()
    assert daemon.metric("otelcol_receiver_accepted_spans") == 3


def test_min_version_is_kept(spantoll, ca, server_pair):
    daemon = spantoll(receivers=receivers(tls_of(server_pair, min_version="1.3")))
    assert daemon.new_client(tls=otlp.tls_credentials(ca)).export(otlp.many("checkout", 1)).ok
    assert "protocol" in handshake(daemon.grpc_port, ca, maximum_version=ssl.TLSVersion.TLSv1_2).lower()


def test_mutual_tls_takes_only_clients_of_the_authority(spantoll, ca, stranger, server_pair):
    tls = tls_of(server_pair, client_ca_file=str(ca.cert))
    daemon = spantoll(receivers=receivers(tls))
    mine, theirs = ca.issue("checkout", san=None), stranger.issue("thief", san=None)
    server_only = ca.issue("web", usage="serverAuth")
    assert daemon.new_client(tls=otlp.tls_credentials(ca, mine)).export(otlp.many("checkout", 1)).ok
    for pair in (None, theirs, server_only):
        assert refused(daemon.new_client(tls=otlp.tls_credentials(ca, pair))), pair
    assert daemon.metric("otelcol_receiver_accepted_spans") == 1


def test_new_certificates_without_a_failed_call(spantoll, ca, tmp_path):
    live = ca.issue("live")
    daemon = spantoll(receivers=receivers(tls_of(live, reload_interval="50ms")))
    old = handshake(daemon.grpc_port, ca)[1]
    answers, stop = [], threading.Event()

    def send():
        kept = otlp.Client(daemon.grpc, tls=otlp.tls_credentials(ca))
        while not stop.is_set():
            fresh = otlp.Client(daemon.grpc, tls=otlp.tls_credentials(ca), options=[("grpc.use_local_subchannel_pool", 1)])
            answers.extend(c.export(otlp.many("checkout", 1), wait_for_ready=False) for c in (kept, fresh))
            fresh.close()
        kept.close()

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        new = ca.issue("next")
        shutil.copy(new.cert, live.cert)  # for a moment the key is another one's: that is not used
        daemon.wait_log("the old certificates stay in use: .*key does not belong to the certificate")
        shutil.copy(new.key, live.key)
        eventually(lambda: handshake(daemon.grpc_port, ca)[1] != old, 10, "the new certificate")
        at_change = len(answers)
        eventually(lambda: len(answers) > at_change + 20, 20, "calls after the change")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert [a for a in answers if not a.ok] == []
    assert len(daemon.wait_log("new certificates in use").string)


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
