# SPDX-License-Identifier: Apache-2.0
"""spantoll prewarm waits for prices, however late they come, and says when they do not."""
import subprocess

import pytest

from env.daemon import BINARY
from env.poll import eventually
from env.ports import free_port


def prewarm(*args, **how):
    return subprocess.Popen([BINARY, "prewarm", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **how)


def ended(process, timeout=20):
    out, err = process.communicate(timeout=timeout)
    return process.returncode, out, err


@pytest.fixture
def slow(spantoll, price_server):
    """(source that does not answer yet, a daemon that waits for it)"""
    source = price_server({"shop:*": "0.001"})
    source.hang()
    daemon = spantoll(wait=False, exporters={"nop": {}},
                      processors={"pricing": {"endpoint": source.url, "refresh_interval": "200ms"}, "cost": {}})
    return source, daemon


def test_it_waits_for_a_slow_pricing_server(slow):
    source, daemon = slow
    waiting = prewarm("--config", str(daemon.config_path))
    eventually(lambda: source.requests >= 1, what="the daemon asks for prices")
    assert waiting.poll() is None and not daemon.ready()
    source.go()
    code, out, err = ended(waiting)
    assert code == 0 and out.startswith("prices are loaded, after "), err
    assert daemon.ready()


def test_without_prices_it_fails_in_time_and_says_why(slow):
    _, daemon = slow
    eventually(lambda: daemon.ready() is False, what="health is served")
    code, _, err = ended(prewarm("--endpoint", daemon.health_url + "/", "--timeout", "300ms"))
    assert code == 1
    assert "no prices within 0.3 s: " in err and "answered with status 503" in err
    code, _, err = ended(prewarm("--endpoint", daemon.health_url + "/", "--timeout", "300ms", "--fail-open"))
    assert code == 0 and "no prices within" in err


def test_before_the_daemon_listens(tmp_path):
    code, _, err = ended(prewarm("--endpoint", f"http://127.0.0.1:{free_port()}/", "--timeout", "300ms"))
    assert code == 1 and "no prices within 0.3 s" in err
    config = tmp_path / "config.yaml"
    config.write_text("receivers: {otlp: {protocols: {grpc: {}}}}\nexporters: {nop: {}}\n"
                      "service: {pipelines: {traces: {receivers: [otlp], exporters: [nop]}}}\n")
    code, _, err = ended(prewarm("--config", str(config)))
    assert code == 1 and "lists no health_check to ask" in err


def test_a_pricing_service_is_made_to_ask_its_source(spantoll, price_server):
    source, port = price_server({"shop:*": "0.001"}), free_port()
    daemon = spantoll(exporters={"nop": {}}, processors={"pricing": {"book": "pricebook"}, "cost": {}},
                      extensions={"pricebook": {"endpoint": source.url, "refresh_interval": "1h", "ttl": "2h"},
                                  "pricing_service": {"endpoint": f"127.0.0.1:{port}"}})
    requests = source.requests
    code, out, err = ended(prewarm("--endpoint", f"grpc://127.0.0.1:{port}"))
    assert code == 0 and "prices are loaded" in out, err
    assert source.requests == requests + 1
    source.status = 500
    code, _, err = ended(prewarm("--endpoint", f"grpc://127.0.0.1:{port}", "--timeout", "5s"))
    assert code == 1 and "the prices could not be refreshed" in err
    assert daemon.ready()
