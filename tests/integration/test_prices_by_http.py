# SPDX-License-Identifier: Apache-2.0
"""Prices from a URL: refreshed behind the traffic's back; whatever the endpoint does, the old book stays."""
import json
import re
import time
import urllib.error
import urllib.request

import pytest

from env import otlp
from env.poll import eventually
from env.ports import free_port

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


def endless(handler):
    """A gigabyte, as far as anybody reads it."""
    handler.send_response(200)
    handler.send_header("content-length", str(1 << 30))
    handler.end_headers()
    block = b" " * (1 << 20)
    for _ in range(1 << 10):
        handler.wfile.write(block)


def circle(handler):
    """Redirects to itself."""
    handler.send_response(302)
    handler.send_header("location", handler.path)
    handler.send_header("content-length", "0")
    handler.end_headers()


def trickle(handler):
    """Headers at once, then a byte now and then: never silent for long, never done."""
    handler.send_response(200)
    handler.send_header("content-length", "1000")
    handler.end_headers()
    for _ in range(100):
        handler.wfile.write(b" ")
        time.sleep(0.1)


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
        ("invalid", 200, '{"shop:*": {"cost_per_ms": "0.1"}}'),
        ("invalid", 200, '{"shop:*": {"cost_per_ms": [1]}}'),
        ("invalid", 200, '{"shop:*": 5}'),
        ("invalid", 200, '[{"shop:*": {"cost_per_ms": 1}}]'),
        ("invalid", 200, '{"shop:*": {"cost_per_ms": 1}, "shop:*": {"cost_per_ms": 2}}'),
        ("invalid", 200, "null"),
        ("invalid", 200, "<html>"),
        ("invalid", 200, '{"shop:*": {"cost_per_ms": 1e400}}'),
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
    daemon.wait_log('keeps the old prices: .*price endpoint:1:[0-9]+: shop:\\*::cost_per_ms: must be a finite number')


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


@pytest.mark.parametrize("how,reason", [(endless, "too_large"), (circle, "status"), (trickle, "timeout")],
                         ids=["a gigabyte", "redirects in a circle", "a byte now and then"])
def test_a_misbehaving_server_keeps_the_old_book(priced, price_server, how, reason):
    server = price_server({"shop:*": "0.001"})
    daemon, ask = priced(server.url)
    server.misbehave = how
    eventually(lambda: failures(daemon, reason) >= 1, 15, f"{reason} is counted")
    daemon.wait_log("keeps the old prices: http://127.0.0.1")
    assert ask()["cost_amount"] == 0.001
    server.misbehave = None
    server.set({"shop:*": "0.002"})
    eventually(lambda: ask()["cost_amount"] == 0.002, 15, what="the next good answer is in force")


def test_an_unchanged_document_is_not_sent_again_and_prices_stay_fresh(priced, price_server):
    server = price_server({"shop:*": "0.001"})
    server.etag = '"one"'
    daemon, ask = priced(server.url, ttl="2s", refresh_interval="200ms")
    first = ask()
    eventually(lambda: server.unchanged >= 15, 20, what="304 for longer than the ttl")
    eventually(lambda: ask()["cost_amount"] == 0.001, what="they are fresh, or again so")
    assert ask()["price_version"] == first["price_version"]
    assert daemon.metric("spantoll_pricebook_unchanged") >= 14
    server.set({"shop:*": "0.002"}, etag='"two"')
    eventually(lambda: ask()["cost_amount"] == 0.002, what="the new document is in force")


def test_the_circuit_breaker_opens_and_closes(priced, price_server):
    server = price_server({"shop:*": "0.001"})
    daemon, ask = priced(server.url, circuit_breaker={"failures": 2})

    def state(name):
        return daemon.metric("spantoll_pricebook_breaker_state", state=name)
    assert state("closed") == 1
    server.status = 500
    eventually(lambda: state("open") + state("half_open") == 1, what="the breaker is open")
    assert state("closed") == 0
    daemon.wait_log("circuit breaker open")
    assert daemon.metric("spantoll_pricebook_breaker_opened") >= 1
    server.hang()
    eventually(lambda: state("half_open") == 1, what="one probe is on its way")
    server.status = 200
    server.go()
    eventually(lambda: state("closed") == 1, what="the breaker is closed")
    daemon.wait_log("circuit breaker closed")
    assert ask()["cost_amount"] == 0.001


def cache_of(directory):
    return next(directory.glob("prices-*.cache"), None)


def test_a_restart_needs_no_network(priced, price_server, tmp_path):
    directory = tmp_path / "cache"
    directory.mkdir()
    server = price_server({"shop:*": "0.001"})
    server.etag = '"one"'
    daemon, ask = priced(server.url, cache_directory=str(directory))
    version = ask()["price_version"]
    eventually(lambda: cache_of(directory), what="the book is kept on disk")
    daemon.stop()
    server.hang()
    daemon, ask = priced(server.url, cache_directory=str(directory))  # ready although nobody answers
    record = ask()
    assert record["cost_amount"] == 0.001 and record["price_version"] == version
    daemon.wait_log(r"prices of the last run are loaded entries=1 version=\w+ synced=20")
    server.go()
    eventually(lambda: server.unchanged >= 1, what="the server is asked with the ETag that was kept")
    daemon.stop()
    # A damaged cache is told and replaced.
    cache_of(directory).write_bytes(b"spantoll price cache 1\nhash 00\n")
    daemon, ask = priced(server.url, cache_directory=str(directory))
    daemon.wait_log("is ignored: the price cache is damaged: its hash is another one")
    assert ask()["cost_amount"] == 0.001
    eventually(lambda: cache_of(directory).stat().st_size > 100, what="the cache is whole again")


def test_a_cache_that_is_too_old_prices_nothing(priced, price_server, tmp_path):
    server = price_server({"shop:*": "0.001"})
    settings = {"cache_directory": str(tmp_path), "ttl": "1s", "refresh_interval": "100ms"}
    daemon, ask = priced(server.url, **settings)
    eventually(lambda: cache_of(tmp_path), what="the book is kept on disk")
    synced = daemon.metric("spantoll_pricebook_last_sync_timestamp_seconds")
    daemon.stop()
    server.status = 500
    eventually(lambda: time.time() > int(synced) + 2.5, what="the ttl is over")
    daemon, ask = priced(server.url, wait=False, **settings)
    daemon.wait_log("prices of the last run are loaded")
    assert re.fullmatch(r"pricing cache stale \(last sync: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\)", ask()["cost_error"])
    assert not daemon.ready()
    server.status = 200
    daemon.wait_ready()
    eventually(lambda: ask()["cost_amount"] == 0.001, what="fresh prices are in force")


def test_a_cache_directory_that_cannot_be_written_is_told_and_counted(priced, price_server, tmp_path):
    server = price_server({"shop:*": "0.001"})
    daemon, ask = priced(server.url, cache_directory=str(tmp_path / "nowhere"))
    daemon.wait_log("the prices are not kept on disk: .*nowhere.*No such file")
    assert ask()["cost_amount"] == 0.001
    assert daemon.metric("spantoll_pricebook_cache_failures") >= 1


def held(daemon):
    return daemon.metric("spantoll_pricebook_held")


def version_held(daemon):
    return re.findall(r"prices are held: .* version=(\w+)", daemon.log)[-1]


def test_a_refresh_that_moves_a_price_too_far_waits_to_be_confirmed(spantoll, price_server, tmp_path):
    server, out, port = price_server({"shop:*": "0.001", "bank:*": "1"}), tmp_path / "flat.jsonl", free_port()
    daemon = spantoll(processors={"pricing": {"book": "pricebook"}, "cost": {}},
                      extensions={"zpages": {"endpoint": f"127.0.0.1:{port}"}, "pricebook": {"endpoint": server.url, **FAST}},
                      exporters={"file": {"path": str(out), "encoding": "json"}})

    def entries():
        return daemon.metric("spantoll_pricebook_entries")

    def confirm(version):
        request = urllib.request.Request(f"http://127.0.0.1:{port}/debug/pricebookz?confirm={version}", method="PUT")
        with urllib.request.urlopen(request) as r:
            return r.status
    server.set({"shop:*": "0.011", "bank:*": "2", "new:*": "5"})  # shop: 11 times
    eventually(lambda: held(daemon) == 1, what="the refresh is held")
    daemon.wait_log(r'prices are held: row "shop:\*": duration from 1e-09 to 1.1e-08 USD per ns, 11 times, 1 rows in all')
    assert entries() == 2 and daemon.log.count("prices are held") == 1
    assert confirm("0" * 16) == 202  # another version than the one that is held
    server.set({"shop:*": "0.001", "bank:*": "1"})
    eventually(lambda: held(daemon) == 0, what="the source has taken it back")
    server.set({"shop:*": None, "bank:*": "1", "new:*": "5"})  # all for nothing: no less suspicious
    eventually(lambda: held(daemon) == 1, what="the refresh is held")
    assert entries() == 2
    assert confirm(version_held(daemon)) == 202
    eventually(lambda: entries() == 3 and held(daemon) == 0, what="confirmed prices are in force")
    server.set({"shop:*": None, "bank:*": "9", "new:*": "5"})  # 9 times is no typing error
    daemon.wait_log("prices are loaded entries=3")
    with pytest.raises(urllib.error.HTTPError, match="400"):
        confirm("nonsense")


def test_a_held_book_is_confirmed_in_the_configuration(spantoll, price_server, prices, tmp_path):
    path = prices({"shop:*": "0.001"})
    how = {"processors": {"pricing": {"file": path}, "cost": {}}, "exporters": {"nop": {}}}
    daemon = spantoll(**how)
    prices({"shop:*": "1", "bank:*": "1"})
    eventually(lambda: held(daemon) == 1, what="the changed file is held")
    assert daemon.metric("spantoll_pricebook_entries") == 1
    # A reload alone does not take it: the book before is known.
    how["processors"]["pricing"]["refresh_interval"] = "1h"
    how["processors"]["pricing"]["ttl"] = "2h"
    daemon.reload(**how)
    assert held(daemon) == 1 and daemon.metric("spantoll_pricebook_entries") == 1
    how["processors"]["pricing"]["confirm"] = version_held(daemon)
    daemon.reload(**how)
    assert held(daemon) == 0 and daemon.metric("spantoll_pricebook_entries") == 2


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
    eventually(lambda: ask()["cost_amount"] == 0.001, what="a price that is fresh")
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


def test_a_file_that_changes_is_read_at_once(spantoll, prices, tmp_path):
    path, out = prices({"shop:*": "0.001"}), tmp_path / "flat.jsonl"
    daemon = spantoll(processors={"pricing": {"file": path, "refresh_interval": 0}, "cost": {}},
                      exporters={"file": {"path": str(out), "encoding": "json"}})
    prices({"shop:*": "0.002", "bank:*": "1"})
    eventually(lambda: daemon.metric("spantoll_pricebook_entries") == 2, what="the changed file is in force")


def test_the_catalogue_lies_below_what_the_user_says(spantoll, price_server, tmp_path):
    server = price_server({"shop:*": "0.001"})
    how = {"processors": {"pricing": {"endpoint": server.url, "catalogue": ["aws", "llm"], "cache_directory": str(tmp_path)},
                          "cost": {}}, "exporters": {"nop": {}}}
    daemon = spantoll(**how)
    entries = daemon.metric("spantoll_pricebook_entries")
    assert entries > 100
    version = re.findall(r"version=(\w{16})", daemon.log)[-1]
    eventually(lambda: cache_of(tmp_path), what="the endpoint's part is kept on disk")
    assert cache_of(tmp_path).stat().st_size < 1000, "the program brings the catalogue"
    daemon.stop()
    server.hang()
    daemon = spantoll(**how)
    daemon.wait_log(f"prices of the last run are loaded entries={entries} version={version}")
    how["processors"]["pricing"] = {"catalogue": True}
    daemon.reload(**how)
    assert daemon.metric("spantoll_pricebook_entries") > 100


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
