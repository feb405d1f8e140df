# SPDX-License-Identifier: Apache-2.0
"""The daemon signs in as a user who may do what docs/operations.md says and nothing else, in plain text and over TLS."""
import re
import time

import pytest
import redis

from env import otlp
from env.certificates import Authority
from env.daemon import ROOT
from env.poll import eventually
from env.ports import free_port
from env.redis_server import RedisServer

KEY, FLAG = "cost:rolling:payment-svc:24h", "enforce:throttle:payment-svc"
LISTED = re.findall(r'^TOLL_REDIS_COMMAND\("([^"]+)"', (ROOT / "exporters/enforcer/store_redis/redis_commands.def").read_text(), re.M)


def documented():
    return re.search(r"^ +ACL (SETUSER spantoll .*)$", (ROOT / "docs/operations.md").read_text(), re.M)[1]


def expensive(seconds=600):
    return otlp.request({"payment-svc": [otlp.span("POST", attrs={"http.route": "/pay"}, duration_ms=seconds * 1000)]})


@pytest.fixture
def enforcing(spantoll, prices):
    """enforcing(redis settings) -> daemon whose spans payment-svc:/pay cost a dollar per second."""
    def start(**settings):
        enforcer = {"redis": {"timeout": "500ms"} | settings, "flush_interval": "100ms", "evaluation_window": "1s",
                    "budgets": [{"match": {"service": "*"}, "limit": 500, "window": "1h"}]}
        return spantoll(processors={"pricing": {"file": prices({"payment-svc:/pay": "0.001"})}, "cost": {}},
                        exporters={"enforcer": enforcer})
    return start


def test_the_documented_commands_are_those_of_the_source():
    words = documented().split()
    assert [w[1:] for w in words if w.startswith("+")] == LISTED == sorted(LISTED)
    scripts = sorted((ROOT / "exporters/enforcer/store_redis").glob("*.lua"))
    assert [s.name for s in scripts] == ["commit.lua", "owner.lua", "publish.lua"]
    for script in scripts:
        called = set(re.findall(r"redis\.p?call\('([A-Z]+)'", script.read_text()))
        assert {c.lower() for c in called} <= set(LISTED), script.name


@pytest.mark.core
def test_a_daemon_lives_under_the_documented_acl(redis_server, enforcing):
    client = redis_server.client
    client.execute_command("ACL", *documented().replace(">SECRET", ">geheim").split())
    client.execute_command("ACL", "SETUSER", "default", "off")
    own = redis.Redis("127.0.0.1", redis_server.port, username="spantoll", password="geheim", decode_responses=True)
    daemon = enforcing(endpoints=[redis_server.address], username="spantoll", password="geheim")
    assert daemon.export(expensive()).ok
    eventually(lambda: own.get(KEY) == "600", 10, "published")
    eventually(lambda: own.get(FLAG) == "true", 10, "decided")
    daemon.wait_metric("spantoll_enforcer_throttled", 1, service="payment-svc")
    assert daemon.metric("spantoll_enforcer_publish_errors") == 0
    assert daemon.metric("spantoll_enforcer_decision_errors") == 0
    denied = [e for e in client.execute_command("ACL", "LOG")
              if "spantoll" in str(e) and "setinfo" not in str(e)]  # that is Python's client
    assert not denied
    with pytest.raises(redis.exceptions.NoPermissionError):
        own.set("somebody:elses", "1")
    with pytest.raises(redis.exceptions.NoPermissionError):
        own.flushall()


def test_a_wrong_password_is_told(redis_server, enforcing):
    redis_server.client.config_set("requirepass", "right")
    daemon = enforcing(endpoints=[redis_server.address], password="xyzzy")
    daemon.wait_log(r"redis 127\.0\.0\.1:\d+ is away: AUTH: WRONGPASS")
    assert "xyzzy" not in daemon.log


class TlsRedis(RedisServer):
    """Plain for the test itself, TLS for the daemon."""

    def __init__(self, directory, authority, *options, server=None):
        server = server or authority.issue("redis")
        self.tls_port = free_port()
        super().__init__(directory, ["--tls-port", str(self.tls_port), "--tls-cert-file", server.cert, "--tls-key-file",
                                     server.key, "--tls-ca-cert-file", authority.cert, *options])

    @property
    def tls_address(self):
        return f"127.0.0.1:{self.tls_port}"


@pytest.fixture
def tls_redis(tmp_path):
    made = []

    def start(*args, **how):
        made.append(TlsRedis(tmp_path / f"redis{len(made)}", *args, **how).start())
        return made[-1]

    yield start
    for server in made:
        server.kill()


@pytest.mark.core
def test_tls_with_and_without_a_certificate_of_ours(tmp_path, tls_redis, enforcing):
    authority, stranger = Authority(tmp_path), Authority(tmp_path, "stranger")
    ours = authority.issue("spantoll", usage="clientAuth")
    server = tls_redis(authority)  # tls-auth-clients: yes is Redis's default
    pair = {"cert_file": str(ours.cert), "key_file": str(ours.key)}
    daemon = enforcing(endpoints=[server.tls_address], tls={"ca_file": str(authority.cert)} | pair)
    assert daemon.export(expensive()).ok
    eventually(lambda: server.client.get(KEY) == "600", 10, "published over mutual TLS")
    anonymous = enforcing(endpoints=[server.tls_address], tls={"ca_file": str(authority.cert)})
    anonymous.wait_log(r"is away: TLS: the server says: .*[Cc]ertificate")
    server.client.config_set("tls-auth-clients", "no")
    assert anonymous.export(expensive(60)).ok
    eventually(lambda: server.client.get(KEY) == "660", 10, "published without a certificate")
    believer = enforcing(endpoints=[server.tls_address], tls={"ca_file": str(stranger.cert)})
    believer.wait_log(r"is away: TLS: The certificate is NOT trusted\. .*issuer is unknown")
    plain = enforcing(endpoints=[server.tls_address])
    plain.wait_log(r"redis .* is away: ")
    assert server.client.get(KEY) == "660"


def test_a_new_authority_is_believed_without_a_restart(tmp_path, tls_redis, enforcing):
    old, new = Authority(tmp_path, "old"), Authority(tmp_path, "new")
    ca = tmp_path / "ca.pem"
    ca.write_bytes(old.cert.read_bytes())
    server = tls_redis(old, "--tls-auth-clients", "no")
    daemon = enforcing(endpoints=[server.tls_address], tls={"ca_file": str(ca), "reload_interval": "10ms"})
    daemon.wait_log("connected to redis")
    fresh = new.issue("redis")
    server.client.config_set("tls-cert-file", str(fresh.cert), "tls-key-file", str(fresh.key),
                             "tls-ca-cert-file", str(new.cert))
    server.client.client_kill_filter(_type="normal", skipme=True)
    eventually(lambda: "issuer is unknown" in str(daemon.status()), 10, "/status has the latest reason")
    ca.write_bytes(b"-----BEGIN half written")
    daemon.wait_log("the certificates read before stay in use")
    ca.write_bytes(new.cert.read_bytes())
    assert daemon.export(expensive()).ok
    eventually(lambda: server.client.get(KEY) == "600", 10, "published")


def test_a_certificate_of_another_name_or_purpose_is_refused(tmp_path, tls_redis, enforcing):
    authority = Authority(tmp_path)
    tls = {"ca_file": str(authority.cert)}
    other = tls_redis(authority, "--tls-auth-clients", "no", server=authority.issue("other", san="DNS:redis.example"))
    enforcing(endpoints=[other.tls_address], tls=tls).wait_log(r"is away: TLS: .*name in the certificate does not match")
    named = enforcing(endpoints=[other.tls_address], tls=tls | {"server_name_override": "redis.example"})
    assert named.export(expensive()).ok
    eventually(lambda: other.client.get(KEY) == "600", 10, "the name it was told to expect")
    client = tls_redis(authority, "--tls-auth-clients", "no", server=authority.issue("client", usage="clientAuth"))
    enforcing(endpoints=[client.tls_address], tls=tls).wait_log(r"is away: TLS: .*purpose")


def test_a_paused_server_costs_the_timeout_and_no_more(redis_server, enforcing):
    daemon = enforcing(endpoints=[redis_server.address])
    daemon.wait_log("connected to redis")
    redis_server.pause()
    begin = time.monotonic()
    daemon.wait_log(r"is away: timed out")
    assert time.monotonic() - begin < 30
    redis_server.resume()
    assert daemon.export(expensive()).ok
    eventually(lambda: redis_server.client.get(KEY) == "600", 10, "published")
