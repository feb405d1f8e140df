# SPDX-License-Identifier: Apache-2.0
"""One spantoll serves prices to others over gRPC: they follow every change, and live through its restarts."""
import json

import grpc
import pytest

from env import otlp
from env.certificates import Authority
from env.poll import eventually
from env.ports import free_port
from env.pricing import MESSAGES, PricingClient

PIPELINE = {"processors": {"pricing": {"book": "pricebook"}, "cost": {}}}


@pytest.fixture
def serving(spantoll):
    """serving(source, ...) -> daemon with .pricing (host:port) that serves what `source` says."""
    def start(source, port=None, wait=True, **service):
        port = port or free_port()
        daemon = spantoll(wait=wait, exporters={"nop": {}}, **PIPELINE,
                          extensions={"pricebook": source, "pricing_service": {"endpoint": f"127.0.0.1:{port}", **service}})
        daemon.pricing = f"127.0.0.1:{port}"
        return daemon
    return start


@pytest.fixture
def following(spantoll, tmp_path):
    """following(endpoint, ...) -> (daemon, ask) whose prices come from a pricing service."""
    made = []

    def start(endpoint, wait=True, **settings):
        out = tmp_path / f"flat{len(made)}.jsonl"
        made.append(out)
        daemon = spantoll(wait=wait, extensions={"pricebook": {"endpoint": endpoint, "refresh_interval": "200ms", **settings}},
                          exporters={"file": {"path": str(out), "encoding": "json"}}, **PIPELINE)

        def ask(service="shop"):
            span = otlp.span("x", 1)
            assert daemon.export(otlp.request({service: [span]})).ok
            return eventually(lambda: next((r for r in map(json.loads, out.read_text().splitlines())
                                            if r["span_id"] == span.span_id.hex()), None), what="the record of a span")
        return daemon, ask
    return start


@pytest.fixture
def client():
    made = []

    def connect(address, credentials=None):
        made.append(PricingClient(address, credentials))
        return made[-1]
    yield connect
    for c in made:
        c.close()


def test_a_book_is_served_watched_and_refreshed(serving, price_server, client):
    source = price_server({"shop:*": "0.001"})
    daemon = serving({"endpoint": source.url, "refresh_interval": "1h", "ttl": "2h"}, heartbeat="100ms")
    c = client(daemon.pricing)
    book = c.book()
    assert [d.text.decode() for d in book.documents] == [source.body] and book.age_nano > 0
    assert not c.book(book.version).documents, "who has the version gets no documents"
    watch, again = c.watch(), c.watch(book.version)
    assert next(watch).documents[0].text.decode() == source.body
    first = next(again)
    assert first.version == book.version and not first.documents
    # Nobody asks the source again for an hour, unless told to.
    source.set({"shop:*": "0.002"})
    version = c.pre_refresh().version
    assert version != book.version and source.requests == 2
    for stream in (watch, again):
        changed = next(m for m in stream if m.documents)
        assert changed.version == version and changed.documents[0].text.decode() == source.body
        assert next(stream).version == version, "heartbeats follow"
    assert daemon.metric("spantoll_pricing_service_watchers") == 2
    watch.cancel()
    eventually(lambda: daemon.metric("spantoll_pricing_service_watchers") == 1, what="who has gone is forgotten")
    source.status = 500
    with pytest.raises(grpc.RpcError) as refused:
        c.pre_refresh()
    assert refused.value.code() == grpc.StatusCode.UNAVAILABLE
    assert daemon.metric("spantoll_pricing_service_calls", method="PreRefresh") == 2
    assert daemon.metric("spantoll_pricing_service_books_sent") == 3


def test_what_a_span_costs(serving, prices, client):
    server = serving({"files": [prices({"shop:/carts/*": "0.0125", "shop:*": "0.001", "status:*": None})]})
    c = client(server.pricing)
    answer = c.cost(service="shop", operation="/carts/*", duration_nano=3_000_001)
    assert (answer.amount, answer.amount_pico_usd, answer.rule, answer.free) \
        == ("0.0375000125", 37500012500, "shop:/carts/*", False)
    assert answer.version == c.book().version
    assert c.cost(service="shop", operation="other", duration_nano=2_000_000).amount == "0.002"
    free = c.cost(service="status", operation="x", duration_nano=10**9)
    assert free.free and free.amount == "0"
    quantity = MESSAGES["Quantity"]
    for code, request in [
            (grpc.StatusCode.NOT_FOUND, {"service": "nobody", "operation": "x"}),
            (grpc.StatusCode.NOT_FOUND, {"service": "shop", "operation": "x",
                                         "quantities": [quantity(name="cost.units.x", value="1")]}),
            (grpc.StatusCode.INVALID_ARGUMENT, {"service": "shop", "operation": "x",
                                                "quantities": [quantity(name="input_tokens", value="-1")]}),
            (grpc.StatusCode.INVALID_ARGUMENT, {"service": "shop", "operation": "x", "duration_nano": 2**63})]:
        with pytest.raises(grpc.RpcError) as refused:
            c.cost(**request)
        assert refused.value.code() == code, request
    raw = c.channel.unary_unary("/spantoll.pricing.v1.PricingService/GetCost")
    with pytest.raises(grpc.RpcError) as refused:
        raw(b"\x0a\xff\xff", timeout=5)
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_a_provider_may_be_called_by_any_of_its_names(serving, tmp_path, client):
    book = {"format": "spantoll.prices/v1", "rules": [{
        "id": "nova", "match": {"provider": "aws", "model": {"prefix": "amazon.nova"}},
        "price": [{"meter": "input_tokens", "usd": "2", "per": "1M"}]}]}
    file = tmp_path / "book.json"
    file.write_text(json.dumps(book))
    c = client(serving({"files": [str(file)]}).pricing)
    field, quantity = MESSAGES["Field"], MESSAGES["Quantity"]
    for provider in ("aws", "AWS.Bedrock", "bedrock"):
        answer = c.cost(fields=[field(key="provider", value=provider), field(key="model", value="Amazon.Nova-pro")],
                        quantities=[quantity(name="input_tokens", value="1000")])
        assert (answer.amount, answer.rule) == ("0.002", "nova")


def test_two_daemons_follow_and_live_through_a_restart_of_the_service(serving, following, price_server, tmp_path):
    source, port = price_server({"shop:*": "0.001"}), free_port()
    server = serving({"endpoint": source.url, "refresh_interval": "100ms"}, port, heartbeat="100ms")
    (one, ask_one), (two, ask_two) = [
        following(f"grpc://127.0.0.1:{port}", cache_directory=str(tmp_path)) for _ in range(2)]
    version = ask_one()["price_version"]
    assert ask_one()["cost_amount"] == ask_two()["cost_amount"] == 0.001
    source.set({"shop:*": "0.002"})
    for ask in (ask_one, ask_two):
        eventually(lambda: ask()["cost_amount"] == 0.002, what="the new price has come over the stream")
    assert ask_two()["price_version"] == ask_one()["price_version"] != version
    loads = one.log.count("prices are loaded")
    server.kill()
    eventually(lambda: one.metric("spantoll_pricebook_refresh_failures", reason="unreachable") >= 1,
               what="the follower has noticed")
    assert ask_one()["cost_amount"] == 0.002
    # A restart of a follower needs nobody: it has the book on disk.
    two.stop()
    two, ask_two = following(f"grpc://127.0.0.1:{port}", cache_directory=str(tmp_path))
    assert ask_two()["cost_amount"] == 0.002
    renewed = one.metric("spantoll_pricebook_unchanged")
    server.start()
    eventually(lambda: one.metric("spantoll_pricebook_unchanged") > renewed, what="the follower is connected again")
    assert one.log.count("prices are loaded") == loads, "the same version is not loaded again"
    source.set({"shop:*": "0.003"})
    for ask in (ask_one, ask_two):
        eventually(lambda: ask()["cost_amount"] == 0.003, what="changes come again")


def test_a_follower_goes_stale_with_the_service_and_is_ready_with_it(serving, following, price_server):
    source, port = price_server({"shop:*": "0.001"}), free_port()
    daemon, ask = following(f"grpc://127.0.0.1:{port}", wait=False, ttl="2s")
    eventually(lambda: daemon.metric("spantoll_pricebook_refresh_failures", reason="unreachable") >= 1, what="a failure")
    assert not daemon.ready()
    serving({"endpoint": source.url, "refresh_interval": "100ms", "ttl": "2s"}, port, heartbeat="100ms")
    daemon.wait_ready()
    assert ask()["cost_amount"] == 0.001
    source.status = 500  # the service says how old what it has is
    eventually(lambda: "pricing cache stale (last sync: 20" in ask().get("cost_error", ""), what="stale at the follower too")
    source.status = 200
    eventually(lambda: ask()["cost_amount"] == 0.001, what="fresh again")


def test_over_tls_with_certificates_of_both(serving, following, prices, client, tmp_path):
    authority = Authority(tmp_path)
    ours, theirs = authority.issue("service"), authority.issue("follower")
    server = serving({"files": [prices({"shop:*": "0.001"})]},
                     tls={"cert_file": str(ours.cert), "key_file": str(ours.key), "client_ca_file": str(authority.cert)})
    tls = {"ca_file": str(authority.cert), "cert_file": str(theirs.cert), "key_file": str(theirs.key)}
    _, ask = following(f"grpcs://{server.pricing}", tls=tls)
    assert ask()["cost_amount"] == 0.001
    stranger, _ = following(f"grpcs://{server.pricing}", wait=False, tls={"ca_file": str(authority.cert)})
    eventually(lambda: stranger.metric("spantoll_pricebook_refresh_failures", reason="unreachable") >= 1,
               what="without a certificate there are no prices")
    assert not stranger.ready()


def test_more_watchers_than_allowed_are_refused(serving, prices, client):
    server = serving({"files": [prices({"shop:*": "0.001"})]}, max_watchers=1)
    c = client(server.pricing)
    first = c.watch()
    assert next(first).documents
    with pytest.raises(grpc.RpcError) as refused:
        next(c.watch())
    assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    server.stop()  # and a stream does not hold a shutdown up
    with pytest.raises(grpc.RpcError) as ended:
        next(first)
    assert ended.value.code() == grpc.StatusCode.UNAVAILABLE


def test_a_reload_of_the_book_keeps_the_service(serving, following, price_server, client):
    source, port = price_server({"shop:*": "0.001"}), free_port()
    how = {"exporters": {"nop": {}}, **PIPELINE}
    def extensions(**settings):
        return {"pricebook": {"endpoint": source.url, "refresh_interval": "100ms", **settings},
                "pricing_service": {"endpoint": f"127.0.0.1:{port}", "heartbeat": "100ms"}}
    server = serving({"endpoint": source.url, "refresh_interval": "100ms"}, port, heartbeat="100ms")
    follower, ask = following(f"grpc://127.0.0.1:{port}")
    version = ask()["price_version"]
    for i in range(3):
        server.reload(extensions=extensions(ttl=f"{10+i}m"), **how)
    source.set({"shop:*": "0.002"})
    eventually(lambda: ask()["cost_amount"] == 0.002, what="the follower hears of changes after reloads")
    assert client(f"127.0.0.1:{port}").book().version != version
