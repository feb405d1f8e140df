# SPDX-License-Identifier: Apache-2.0
"""Readiness: not before a price book was loaded once, and then whatever happens to Redis."""
import json
import signal

import pytest

from env.daemon import http_get
from env.poll import eventually


def probe(daemon):
    status, text = http_get(daemon.health_url + "/")
    return status, json.loads(text)


@pytest.mark.core
def test_ready_after_the_first_price_book_and_from_then_on(spantoll, price_server):
    server = price_server({"cart:x": "0.1"})
    server.status = 503
    daemon = spantoll(wait=False, processors={"pricing": {"endpoint": server.url, "refresh_interval": "1s"},
                                              "cost": {}})
    eventually(lambda: http_get(daemon.health_url + "/")[0] == 503, 10, "up, not ready")
    assert http_get(daemon.health_url + "/livez") == (200, '{"status":"alive"}')
    assert probe(daemon) == (503, {"status": "Server not available"})
    server.status = 200
    eventually(lambda: probe(daemon)[0] == 200, 20, "ready")
    server.status = 503
    status, body = probe(daemon)
    assert status == 200 and body["status"] == "Server available"
    assert body["upSince"].endswith("Z") and body["uptime"].endswith("s")


@pytest.mark.core
def test_redis_away_degrades_but_never_unreadies(spantoll, redis_server):
    daemon = spantoll(exporters={"enforcer": {"redis": {"endpoints": [f"127.0.0.1:{redis_server.port}"]}}})
    assert probe(daemon)[0] == 200
    redis_server.kill()
    enforcer = eventually(lambda: "edis" in http_get(daemon.health_url + "/status")[1]
                          and daemon.status(), 20, "/status tells that Redis is away")
    assert "enforcer" in json.dumps(enforcer)
    assert probe(daemon)[0] == 200


def test_status_lists_every_component(spantoll):
    daemon = spantoll(processors={"hash_path": {}}, exporters={"nop": {}})
    text = json.dumps(daemon.status())
    for who in ("otlp", "hash_path", "nop", "health_check"):
        assert who in text


def test_sigterm_unreadies_and_ends(spantoll):
    daemon = spantoll()
    daemon.signal(signal.SIGTERM)
    assert daemon.wait(10) == 0
