# SPDX-License-Identifier: Apache-2.0
"""TLS, client certificates, SASL PLAIN and SCRAM against a real broker; wrong ones are told, not lost."""
import pytest

from env import otlp
from env.secure_broker import PASSWORD, USER, SecureBroker


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    made = SecureBroker(tmp_path_factory.mktemp("secure") / "kafka")
    try:
        yield made.start()
    finally:
        made.dispose()


def sasl(mechanism, password=PASSWORD):
    return {"sasl": {"mechanism": mechanism, "username": USER, "password": password}}


def tls(broker, own=False):
    files = broker.files
    out = {"ca_file": str(files.ca)}
    return out | {"cert_file": str(files.client_cert), "key_file": str(files.client_key)} if own else out


WAYS = {
    "plain": lambda b: (b.sasl, {"auth": sasl("PLAIN")}),
    "plain, older form": lambda b: (b.sasl, {"auth": {"plain_text": {"username": USER, "password": PASSWORD}}}),
    "scram 256": lambda b: (b.sasl, {"auth": sasl("SCRAM-SHA-256")}),
    "scram 512": lambda b: (b.sasl, {"auth": sasl("SCRAM-SHA-512")}),
    "tls": lambda b: (b.tls, {"tls": tls(b)}),
    "tls, older form": lambda b: (b.tls, {"auth": {"tls": tls(b)}}),
    "tls as text": lambda b: (b.tls, {"tls": {"ca_pem": b.files.ca.read_text()}}),
    "unverified tls": lambda b: (b.tls, {"tls": {"insecure_skip_verify": True}}),
    "client certificate": lambda b: (b.mtls, {"tls": tls(b, own=True)}),
    "scram over tls": lambda b: (b.sasl_tls, {"tls": tls(b), "auth": sasl("SCRAM-SHA-512")}),
}


@pytest.mark.parametrize("way", WAYS)
def test_spans_arrive(broker, spantoll, way):
    topic = broker.topic()
    address, settings = WAYS[way](broker)
    daemon = spantoll(exporters={"kafka": {"brokers": [address], "topic": topic} | settings})
    assert daemon.export(otlp.many("pay", 20)).ok
    daemon.wait_metric("otelcol_exporter_sent_spans", 20, exporter="kafka")
    assert broker.count(topic) == 20
    assert PASSWORD not in daemon.log


WRONG = {
    "password": lambda b: (b.sasl, {"auth": sasl("SCRAM-SHA-256", "falsch")}),
    "authority": lambda b: (b.tls, {"tls": {"ca_file": str(b.files.stranger_ca)}}),
    "no client certificate": lambda b: (b.mtls, {"tls": tls(b)}),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_credentials_are_told_and_the_daemon_stays_up(broker, spantoll, what):
    topic = broker.topic()
    address, settings = WRONG[what](broker)
    daemon = spantoll(exporters={"kafka": {"brokers": [address], "topic": topic} | settings})
    assert daemon.export(otlp.many("pay", 20)).ok
    daemon.wait_log("the brokers do not let us in|no broker can be reached", timeout=30)
    assert daemon.ready() and daemon.metric("otelcol_exporter_sent_spans", exporter="kafka") == 0
    assert broker.count(topic) == 0
    assert PASSWORD not in daemon.log and "falsch" not in daemon.log
