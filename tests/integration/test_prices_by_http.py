# SPDX-License-Identifier: Apache-2.0
"""Prices from a URL: refreshed behind the traffic's back; whatever the endpoint does, the old book stays."""
import json
import re

import pytest

from env import otlp
from env.poll import eventually

FAST = {"ttl": "1h", "refresh_interval": "200ms"}


@pytest.fixture
def priced(spantoll, tmp_path):
    """priced(url, ...) -> (daemon, ask); ask() sends a span and returns its cost record."""
    def start(url, wait=True, shared=False, **settings):
        out = tmp_path / "flat.jsonl"
        source = {"endpoint": url, **FAST, **settings}
        daemon = spantoll(
            wait=wait,
            processors={"pricing": {"book": "pricebook"} if shared else source, "cost": {}},
            extensions={"pricebook": source} if shared else None,
            exporters={"file": {"path": str(out), "encoding": "json"}})

        def ask(service="shop"):
            span = otlp.span("x", 1)
            assert daemon.export(otlp.request({service: [span]})).ok

            def record():
                return next((r for r in map(json.loads, out.read_text().splitlines())
                             if r["span_id"] == span.span_id.hex()), None)
            return eventually(record, what="the record of a span")
        return daemon, ask
    return start


def failures(daemon, reason):
    return daemon.metric("spantoll_pricebook_refresh_failures", reason=reason)


@pytest.mark.parametrize("shared", [False, True], ids=["inline", "extension"])
def test_new_prices_are_in_force_without_a_restart(priced, price_server, shared):
    server = price_server({"shop:*": "0.001"})
    daemon, ask = priced(server.url, shared=shared)
    first = ask()
    assert first["cost_amount"] == 0.001
    server.set({"shop:*": "0.002", "bank:*": "1"})
    eventually(lambda: ask()["cost_amount"] == 0.002, what="the new price is in force")
    assert ask("bank")["cost_amount"] == 1
    assert ask()["price_version"] != first["price_version"]
    assert daemon.metric("spantoll_pricebook_entries") == 2


def test_ready_only_when_prices_were_loaded_once(priced, price_server):
    server = price_server({"shop:*": "0.001"})
    server.status = 503
    daemon, ask = priced(server.url, wait=False)
    eventually(lambda: failures(daemon, "status") >= 1, what="a failed refresh is counted")
    assert not daemon.ready()
    # Spans flow all the same, and say why they have no price.
    assert ask()["cost_error"] == "pricing cache stale (last sync: never)"
    assert daemon.metric("spantoll_unpriced_spans", reason="no_price_book") == 1
    server.status = 200
    daemon.wait_ready()
    assert ask()["cost_amount"] == 0.001
    server.status = 503
    eventually(lambda: failures(daemon, "status") >= 2, what="another failed refresh")
    assert daemon.ready()


def test_bad_answers_keep_the_old_book(priced, price_server):
    server = price_server({"shop:*": "0.001"})
    daemon, ask = priced(server.url)
    good = server.body
    answers = [
        ("status", 500, good),
        ("invalid", 200, good[:-10]),
        ("invalid", 200, '{"shop:*": {"cost_per_ms": -1}}'),
        ("invalid", 200, '{"shop:*": {"cost_per_ms": NaN}}'),
        ("invalid", 200, "<html>"),
        ("invalid", 200, "{}"),
        ("too_large", 200, b" " * (17 << 20)),
    ]
    for reason, status, body in answers:
        before = failures(daemon, reason)
        server.status, server.body = status, body
        eventually(lambda: failures(daemon, reason) > before, what=f"{reason} is counted")
        assert ask()["cost_amount"] == 0.001
    server.status, server.body = 200, '{"shop:*": {"cost_per_ms": 0.003}}'
    eventually(lambda: ask()["cost_amount"] == 0.003, what="the next good answer is in force")
    daemon.wait_log('keeps the old prices: .*row "shop:\\*": cost_per_ms must be a finite number')


def test_half_an_answer_keeps_the_old_book(priced, price_server):
    server = price_server({"shop:*": "0.001"})
    daemon, ask = priced(server.url)
    good = server.body
    # The length that was promised is longer than what comes.
    server.body = CutShort(good.encode())
    eventually(lambda: failures(daemon, "unreachable") + failures(daemon, "timeout") >= 1, 30, "a cut answer is counted")
    assert ask()["cost_amount"] == 0.001


class CutShort(bytes):
    """Bytes that claim to be ten more than they are."""

    def __len__(self):
        return super().__len__() + 10


def test_a_slow_endpoint_keeps_the_old_book_and_no_span_waits(priced, price_server):
    server = price_server({"shop:*": "0.001"})
    daemon, ask = priced(server.url)
    server.hang()
    before = server.requests
    eventually(lambda: server.requests > before, what="a request hangs")
    assert ask()["cost_amount"] == 0.001
    eventually(lambda: failures(daemon, "timeout") >= 1, 15, "the request was given up after 5 s")
    assert ask()["cost_amount"] == 0.001
    # And a daemon that is waiting for an answer stops without waiting for it.
    before = server.requests
    eventually(lambda: server.requests > before, what="the next request hangs")
    daemon.stop()


def test_prices_that_are_too_old_price_nothing(priced, price_server):
    server = price_server({"shop:*": "0.001"})
    daemon, ask = priced(server.url, ttl="1s", refresh_interval="100ms")
    assert ask()["cost_amount"] == 0.001
    server.status = 500
    record = eventually(lambda: (r := ask()).get("cost_error") and r, what="the prices went stale")
    assert re.fullmatch(r"pricing cache stale \(last sync: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\)", record["cost_error"])
    assert record["cost_amount"] == 0
    assert daemon.metric("spantoll_unpriced_spans", reason="pricing_cache_stale") >= 1
    assert daemon.ready()
    server.status = 200
    eventually(lambda: ask()["cost_amount"] == 0.001, what="fresh prices are in force again")


def test_files_are_read_again_and_never_go_stale(spantoll, prices, tmp_path):
    path, out = prices({"shop:*": "0.001"}), tmp_path / "flat.jsonl"
    daemon = spantoll(processors={"pricing": {"file": path, "ttl": "1s", "refresh_interval": "200ms"}, "cost": {}},
                      exporters={"file": {"path": str(out), "encoding": "json"}})

    def amounts():
        assert daemon.export(otlp.many("shop", 1, "x", 1)).ok
        return [json.loads(line).get("cost_amount") for line in out.read_text().splitlines()]
    prices({"shop:*": "0.002"})
    eventually(lambda: 0.002 in amounts(), what="the new file is in force")
    (tmp_path / "prices.json").write_text("{broken")
    eventually(lambda: failures(daemon, "invalid") >= 1, what="a broken file is counted")
    assert set(amounts()) <= {0.001, 0.002}


def test_two_price_books_side_by_side(spantoll, price_server, prices, tmp_path):
    """Each pipeline prices from its own book; both show in one page of metrics."""
    out = {name: tmp_path / f"{name}.jsonl" for name in ("list", "deal")}
    daemon = spantoll(
        processors={"pricing/list": {"file": prices({"shop:*": "0.001"})},
                    "pricing/deal": {"endpoint": price_server({"shop:*": "0.0005", "bank:*": None}).url},
                    "cost": {}},
        exporters={f"file/{name}": {"path": str(path), "encoding": "json"} for name, path in out.items()},
        pipelines={f"traces/{name}": {"receivers": ["otlp"], "processors": [f"pricing/{name}", "cost"],
                                      "exporters": [f"file/{name}"]} for name in out})
    assert daemon.export(otlp.many("shop", 1, "x", 1)).ok
    for name, amount in (("list", 0.001), ("deal", 0.0005)):
        daemon.wait_metric("otelcol_exporter_sent_spans", 1, exporter=f"file/{name}")
        assert json.loads(out[name].read_text())["cost_amount"] == amount
    assert daemon.metric("spantoll_pricebook_entries", pricebook="pricebook/pricing/list") == 1
    assert daemon.metric("spantoll_pricebook_entries", pricebook="pricebook/pricing/deal") == 2
