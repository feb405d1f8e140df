# SPDX-License-Identifier: Apache-2.0
"""A real Envoy in front of a service that overspends by real spans: 429 at the window that the rule says, on every way to
ask that we hand out, traffic again when the budget is kept; and traffic flows whatever is away."""
import json
import threading
import time

import pytest

from env import otlp
from env.certificates import Authority
from env.envoy import Envoy, Service, get, read, with_ports
from env.poll import eventually
from env.ports import free_port

FLAG = "enforce:throttle:payment-svc"
PORTS = {"rate limit": 10000, "ext_authz over gRPC": 10001, "ext_authz over HTTP": 10002, "Lua": 10003}


class Mesh:
    """An Envoy that runs examples/mesh/envoy.yaml, the service behind it, and the spantoll that it asks."""

    def __init__(self, directory, daemon, grpc_port, http_port, timeout):
        self.daemon, self.service = daemon, Service()
        self.ports = {port: free_port() for port in PORTS.values()}
        self.envoy = Envoy(directory, with_ports(
            read("envoy.yaml"), self.ports | {8000: self.service.port, 8081: grpc_port, 8080: http_port},
            timeout)).start()

    def get(self, way, headers=None):
        return get(self.ports[PORTS[way]], "/pay", headers)

    def statuses(self, headers=None):
        return {way: self.get(way, headers).status for way in PORTS}

    def all_answer(self, status, timeout=20):
        eventually(lambda: set(self.statuses().values()) == {status}, timeout, f"every way answers {status}")

    def close(self):
        self.envoy.kill()
        self.service.close()


@pytest.fixture
def mesh(spantoll, redis_server, prices, tmp_path):
    """mesh(window="1h", max_age="1m", timeout="2s", settings of the enforcer) -> Mesh whose payment-svc has a budget of $500."""
    made = []

    def start(window="1h", max_age="1m", timeout="2s", **enforcer):
        grpc_port, http_port = free_port(), free_port()
        how = {
            "processors": {"pricing": {"file": prices({"payment-svc:/pay": "1"})}, "cost": {}},
            "exporters": {"enforcer": {
                "redis": {"endpoints": [redis_server.address], "timeout": "500ms"}, "flush_interval": "100ms",
                "evaluation_window": "1s", "budgets": [{"match": {"service": "*"}, "limit": 500, "window": window}]} | enforcer},
            "extensions": {"envoy": {"endpoint": f"127.0.0.1:{grpc_port}", "max_age": max_age},
                           "admin": {"endpoint": f"127.0.0.1:{http_port}", "max_age": max_age}}}
        made.append(Mesh(tmp_path / "envoy", spantoll(**how), grpc_port, http_port, timeout))
        made[-1].how = how
        return made[-1]

    yield start
    for m in made:
        m.close()


def overspend(daemon, usd=600):
    """One span of so many ms at $1."""
    assert daemon.export(otlp.many("payment-svc", 1, "/pay", duration_ms=usd)).ok


class Sight:
    """What Redis and Envoy said, all the time: when the flag was first seen, and when every way had answered 429."""

    def __init__(self, mesh, redis_server):
        self.mesh, self.client = mesh, redis_server.client
        self.flag_at, self.early, self.denied_at = None, [], {}
        self.threads = [threading.Thread(target=self._watch, args=(way,)) for way in PORTS]

    def look(self):
        for thread in self.threads:
            thread.start()
        seen = []  # (windows over the limit, flag), read together

        def flagged():
            with self.client.pipeline(transaction=True) as both:
                state, flag = both.hgetall("{%s}:d" % FLAG).get(FLAG).execute()
            over = [int(v.split()[2]) for k, v in state.items() if k.startswith("b:")]
            seen.append((max(over, default=0), flag == "true"))
            return flag == "true"

        eventually(flagged, 20, "the flag is set", every=0.005)
        self.flag_at = time.monotonic()
        for thread in self.threads:
            thread.join()
        return seen

    def _watch(self, way):
        def denied():
            asked = time.monotonic()
            if self.mesh.get(way).status == 429:
                self.denied_at[way] = asked
            return way in self.denied_at
        eventually(denied, 25, f"{way} answers 429", every=0.02)


def check_refusal(answer):
    assert 0 < int(answer.headers["retry-after"]) <= 3600
    assert answer.headers["content-type"] == "application/json"
    body = json.loads(answer.body)
    assert body["throttled"] is True and body["subject"] == "payment-svc" and body["reason"] == "budget"
    assert body["until_ms"] > time.time() * 1000


def test_envoy_turns_away_who_overspends_and_lets_pass_again(mesh, redis_server):
    m = mesh(window="8s")
    assert set(m.statuses().values()) == {200} and m.service.requests == len(PORTS)
    sight = Sight(m, redis_server)
    overspend(m.daemon)
    seen = sight.look()
    # First value over the limit: the flag comes with the third window and not before.
    assert all((over >= 3) == flag for over, flag in seen) and seen[-1][0] == 3
    late = {way: at - sight.flag_at for way, at in sight.denied_at.items()}
    assert max(late.values()) < 1, late
    served = m.service.requests
    for way in PORTS:
        answer = m.get(way)
        assert answer.status == 429
        check_refusal(answer)
        assert way == "Lua" or answer.headers.get("x-spantoll-reason") in ("budget", None)
    assert m.service.requests == served, "who is turned away does not reach the service"
    for way in ("rate limit", "ext_authz over gRPC"):
        assert m.get(way).headers["x-spantoll-reason"] == "budget"
    assert m.daemon.metric("spantoll_envoy_requests", method="ShouldRateLimit", answer="denied") >= 3
    assert m.daemon.metric("spantoll_envoy_requests", method="Check", answer="denied") >= 3
    # The window rolls, the average falls, three windows below 0.9 of the limit: traffic again.
    m.all_answer(200, timeout=30)
    assert redis_server.client.get(FLAG) is None


def test_traffic_flows_when_redis_or_the_daemon_is_away(mesh, redis_server):
    m = mesh(max_age="2s")
    overspend(m.daemon)
    m.all_answer(429)
    redis_server.kill()
    m.all_answer(200)
    m.daemon.wait_metric("spantoll_envoy_requests", 1, answer="stale")
    m.daemon.wait_log("every request is allowed")
    redis_server.start()
    m.all_answer(429)
    m.daemon.kill()
    m.all_answer(200)
    m.daemon.start()
    m.all_answer(429)


def test_a_daemon_that_hangs_does_not_hold_up_traffic(mesh, redis_server):
    m = mesh(timeout="0.3s")
    overspend(m.daemon)
    m.all_answer(429)
    m.daemon.pause()
    try:
        m.all_answer(200)
    finally:
        m.daemon.resume()
    m.all_answer(429)

def test_a_reload_goes_on_answering_and_counting(mesh):
    m, way = mesh(), "ext_authz over gRPC"
    overspend(m.daemon)
    eventually(lambda: m.get(way).status == 429, 20, "turned away")
    before = m.daemon.metric("spantoll_envoy_requests", method="Check", answer="denied")
    m.how["extensions"]["envoy"]["status"] = 402
    m.daemon.reload(**m.how)
    # Connections of the one before end with their last answer; then Envoy asks the new one.
    eventually(lambda: m.get(way).status == 402, 20, "turned away, with the status of the new configuration")
    m.daemon.wait_metric("spantoll_envoy_requests", before + 1, method="Check", answer="denied")
    # The enforcer is replaced: flags of the new one are asked.
    m.how["exporters"]["enforcer"]["flush_interval"] = "150ms"
    m.daemon.reload(**m.how)
    eventually(lambda: m.get(way).status == 402, 20, "turned away by the flags of the new enforcer")
    assert m.daemon.metric("spantoll_envoy_requests", answer="invalid") == 0


def test_graded_flags_shed_the_least_critical_first(mesh):
    m = mesh(throttle={"graded": True})
    overspend(m.daemon, usd=800)  # 500 / 800 may pass: of medium requests half
    ways = ("rate limit", "ext_authz over gRPC")
    low, critical = {"x-criticality": "low"}, {"x-criticality": "critical"}
    eventually(lambda: m.get("rate limit", low).status == 429, 20, "low requests are shed")
    for _ in range(20):
        assert m.get("rate limit", low).status == 429 and m.get("rate limit", critical).status == 200
    answers = {way: [m.get(way, {"x-request-id": f"request-{i}"}).status for i in range(60)] for way in ways}
    again = {way: [m.get(way, {"x-request-id": f"request-{i}"}).status for i in range(60)] for way in ways}
    assert answers == again, "a request that is retried is answered the same"
    assert answers[ways[0]] == answers[ways[1]], "wherever it is asked about"
    assert 10 <= answers[ways[0]].count(429) <= 50


def cluster_of(config, name):
    return next(c for c in config["static_resources"]["clusters"] if c["name"] == name)


def over_a_socket(config, path):
    """The cluster spantoll_grpc at a unix socket."""
    cluster = cluster_of(config, "spantoll_grpc") | {"type": "STATIC"}
    cluster["load_assignment"] = {"cluster_name": "spantoll_grpc", "endpoints": [
        {"lb_endpoints": [{"endpoint": {"address": {"pipe": {"path": str(path)}}}}]}]}
    config["static_resources"]["clusters"].append(cluster | {"name": "socket"})


def with_certificates(config, authority, pair):
    tls = {"validation_context": {"trusted_ca": {"filename": str(authority.cert)}}}
    if pair:
        tls["tls_certificates"] = [{"certificate_chain": {"filename": str(pair.cert)}, "private_key": {"filename": str(pair.key)}}]
    cluster_of(config, "spantoll_grpc")["transport_socket"] = {
        "name": "envoy.transport_sockets.tls", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
            "common_tls_context": tls}}


def test_envoy_asks_over_a_socket_and_with_certificates(spantoll, prices, tmp_path):
    authority, port, path = Authority(tmp_path), free_port(), tmp_path / "envoy.sock"
    server = authority.issue("spantoll")
    daemon = spantoll(
        processors={"pricing": {"file": prices({"payment-svc:/pay": "1"})}, "cost": {}},
        exporters={"enforcer": {"store": "memory", "evaluation_window": "1s",
                                "budgets": [{"match": {"service": "*"}, "limit": 500, "window": "1h"}]}},
        extensions={"envoy/socket": {"endpoint": f"unix:{path}"},
                    "envoy/tls": {"endpoint": f"127.0.0.1:{port}", "status": 503, "tls": {
                        "cert_file": str(server.cert), "key_file": str(server.key), "client_ca_file": str(authority.cert)}}})
    config = with_ports(read("envoy.yaml"), {8081: port})
    over_a_socket(config, path)
    # Rate limits over the socket, ext_authz over TLS.
    for listener in config["static_resources"]["listeners"]:
        if listener["name"] == "rate_limit":
            manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
            service = manager["http_filters"][0]["typed_config"]["rate_limit_service"]
            service["grpc_service"]["envoy_grpc"]["cluster_name"] = "socket"
    overspend(daemon)
    service, envoys = Service(), []
    try:
        for pair in (authority.issue("envoy"), None):
            ports = {10000: free_port(), 10001: free_port(), 8000: service.port} | {p: free_port() for p in (10002, 10003)}
            with_certificates(config, authority, pair)
            envoys.append(Envoy(tmp_path / f"envoy{len(envoys)}", with_ports(config, ports)).start())
            eventually(lambda: get(ports[10000]).status == 429, 20, "refused over the socket")
            if pair:
                eventually(lambda: get(ports[10001]).status == 503, 20, "refused over TLS, with the status that was set")
            else:
                assert get(ports[10001]).status == 200, "who has no certificate is not answered, and Envoy lets pass"
    finally:
        for e in envoys:
            e.kill()
        service.close()
    assert daemon.metric("spantoll_envoy_requests", envoy="envoy/socket", method="ShouldRateLimit", answer="denied") == 2
    assert daemon.metric("spantoll_envoy_requests", envoy="envoy/tls", method="Check", answer="denied") == 1
