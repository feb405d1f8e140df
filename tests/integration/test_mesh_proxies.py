# SPDX-License-Identifier: Apache-2.0
"""A real HAProxy and a real nginx (with Lua, and without) ask before a request reaches a service that overspends through real spans: 429 and
Retry-After soon after the flag, traffic again when it goes, when the daemon dies, and when Redis does."""
import time

import pytest

from env import otlp
from env.poll import eventually
from env.ports import free_port
from env.proxies import HAProxy, Nginx, Service, ask

FLAG = "enforce:throttle:payment-svc"


@pytest.fixture
def mesh(spantoll, redis_server, prices, tmp_path):
    """The daemon, and the proxies in front of one service. Decisions follow the spend of 6 s at once."""
    port, socket = f"127.0.0.1:{free_port()}", f"unix:{tmp_path}/admin.sock"
    daemon = spantoll(
        processors={"pricing": {"file": prices({"payment-svc:/dear": "1"})}, "cost": {}},
        exporters={"enforcer": {"redis": {"endpoints": [redis_server.address], "timeout": "500ms"}, "flush_interval": "100ms",
                                "evaluation_window": "1s", "ema": {"alpha": 1, "windows": 1},
                                "budgets": [{"match": {"service": "*"}, "limit": 500, "window": "6s"}]}},
        extensions={"admin": {"endpoint": port, "max_age": "2s"}, "admin/socket": {"endpoint": socket, "max_age": "2s"}})
    service = Service()
    proxies = [HAProxy(tmp_path / "haproxy", port, service.port), Nginx(tmp_path / "nginx", port, service.port),
               Nginx(tmp_path / "nginx_auth", socket, service.port, "nginx-auth-request.conf")]
    try:
        yield daemon, [p.start() for p in proxies]
    finally:
        for p in proxies:
            p.kill()
        service.close()


def overspend(daemon):
    """A span of $600."""
    span = otlp.span("POST", attrs={"http.route": "/dear"}, end_ns=time.time_ns(), duration_ms=600)
    assert daemon.export(otlp.request({"payment-svc": [span]})).ok


def all_answer(proxies, status):
    """Twice over, so that every thread of theirs is asked."""
    return all(ask(p.port).status == status for p in proxies for _ in range(2))


def refusal(proxy):
    answer = ask(proxy.port, "POST", body=b"x" * 1000)
    return answer if answer.status == 429 else None


def wait_throttled(daemon, proxies, redis_server):
    eventually(lambda: overspend(daemon) or redis_server.client.get(FLAG) == "true", 30, "the flag is set", every=0.5)
    began = time.monotonic()
    eventually(lambda: all_answer(proxies, 429), 10, "all proxies answer 429", every=0.05)
    return time.monotonic() - began


def test_haproxy_and_nginx_turn_away_what_is_over_its_budget(mesh, redis_server):
    daemon, proxies = mesh
    assert all_answer(proxies, 200)
    for p in proxies:
        assert ask(p.port, "POST", body=b"x" * 100000).body == b"x" * 100000

    took = wait_throttled(daemon, proxies, redis_server)
    assert took < 3, f"429 came {took:.1f} s after the flag"
    for p in proxies:
        refused = eventually(lambda: refusal(p), 10, "a request with a body is refused", every=0.05)
        assert int(refused.headers["Retry-After"]) >= 1 and refused.body == b'{"throttled":true}'
        assert refused.headers["Content-Type"] == "application/json"
    eventually(lambda: all_answer(proxies, 200), 30, "traffic flows again once the spend has left the window")

    wait_throttled(daemon, proxies, redis_server)
    redis_server.kill()
    eventually(lambda: all_answer(proxies, 200), 30, "traffic flows without Redis")
    redis_server.start()

    wait_throttled(daemon, proxies, redis_server)
    daemon.kill()
    eventually(lambda: all_answer(proxies, 200), 30, "traffic flows without the daemon")
