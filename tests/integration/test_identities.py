# SPDX-License-Identifier: Apache-2.0
"""A client bills only the services of its identity; the rest is booked to unverified:<client> and never throttled."""
import base64
import json

import pytest

from env import otlp
from env.certificates import Authority
from env.otlp_http import tls_context
from env.poll import eventually

pytestmark = pytest.mark.core
SHOP = {"authorization": "Bearer shop-token"}
NAMED = [{"name": "shop", "token": "shop-token"}, {"name": "ci/42", "token": "ci-token"}]
IDENTITIES = [{"name": "shop", "services": ["checkout", "cart-*"]}, {"name": "ci/*", "services": ["*"]}]


# The DNS name "shop\0.evil": whoever reads it as a C string takes its bearer for shop.
WITH_NUL = "DER:30:0C:82:0A:73:68:6F:70:00:2E:65:76:69:6C"


def wait_lines(path, count):
    def lines():
        found = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        return found if len(found) >= count else None
    return eventually(lines, 10, f"{count} lines in {path.name}")


def budgeted(spantoll, tmp_path, prices, auth="bearertokenauth", settings=None, tls=None):
    one = ({"auth": {"authenticator": auth}} if auth else {}) | ({"tls": tls} if tls else {})
    return spantoll(
        receivers={"otlp": {"protocols": {p: dict(one) for p in ("grpc", "http")}, "identities": IDENTITIES}},
        extensions={auth: settings or {"named_tokens": NAMED}} if auth else {},
        processors={"pricing": {"file": prices({"checkout:/pay": "1", "payroll:/pay": "3"})}, "cost": {}},
        exporters={"file/records": {"path": str(tmp_path / "records"), "encoding": "json"},
                   "file/wire": {"path": str(tmp_path / "wire"), "encoding": "otlp_json"},
                   "enforcer": {"store": "memory", "evaluation_window": "1s", "ema": {"windows": 1},
                                "budgets": [{"match": {"service": "*"}, "limit": 1, "window": "1m"}]}})


def resource_of(line):
    return {a["key"]: a["value"]["stringValue"] for a in line["resourceSpans"][0]["resource"]["attributes"]}


def test_spend_of_a_service_outside_the_list_goes_to_the_client(spantoll, tmp_path, prices):
    daemon = budgeted(spantoll, tmp_path, prices)
    assert daemon.export(otlp.many("checkout", 1, "/pay", 5), metadata=list(SHOP.items())).ok
    assert daemon.post(otlp.many("payroll", 1, "/pay", 5), headers=SHOP).ok
    assert daemon.post(otlp.many("payroll", 1, "/pay", 5), headers={"authorization": "Bearer ci-token"}).ok
    records = wait_lines(tmp_path / "records", 3)
    assert [(r["service"], r["cost_amount"]) for r in records] == \
        [("checkout", 5), ("unverified:shop", 15), ("payroll", 15)], "the price is the claimed service's"
    wire = [resource_of(line) for line in wait_lines(tmp_path / "wire", 3)]
    assert wire[0]["service.name"] == "checkout" and "cost.claimed_service" not in wire[0]
    assert (wire[1]["service.name"], wire[1]["cost.claimed_service"]) == ("unverified:shop", "payroll")
    assert daemon.metric("spantoll_receiver_unverified_spans", reason="not_allowed") == 1
    # Both are over the budget of every service; only the verified ones are throttled for it.
    daemon.wait_log(r"\[COST_ENFORCEMENT\] checkout exceeded budget")
    daemon.wait_log(r"\[COST_ENFORCEMENT\] payroll exceeded budget")
    assert daemon.metric("cost_per_service", service="unverified:shop") == 15
    assert "COST_ENFORCEMENT] unverified" not in daemon.log


def test_nobody_can_take_the_name_of_unverified_spend(spantoll, tmp_path, prices):
    """Neither with an identity that may bill every service, nor where nobody has to say who he is."""
    daemon = budgeted(spantoll, tmp_path, prices)
    body = otlp.many("unverified:shop", 2, "/pay", 5)
    assert daemon.export(body, metadata=[("authorization", "Bearer ci-token")]).ok
    assert {r["service"] for r in wait_lines(tmp_path / "records", 2)} == {"unverified:ci/42"}
    assert daemon.metric("spantoll_receiver_unverified_spans", reason="reserved_name") == 2
    open_one = spantoll(exporters={"file": {"path": str(tmp_path / "open"), "encoding": "json"}})
    assert open_one.export(body).ok
    assert {r["service"] for r in wait_lines(tmp_path / "open", 2)} == {"unverified:anonymous"}


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_the_certificate_says_who_it_is(spantoll, tmp_path, prices, protocol):
    ca = Authority(tmp_path)
    server = ca.issue("server")
    tls = {"cert_file": str(server.cert), "key_file": str(server.key), "client_ca_file": str(ca.cert)}
    daemon = budgeted(spantoll, tmp_path, prices, auth=None, tls=tls)
    who = {"URI:spiffe://prod/ns/shop/sa/x,DNS:shop.example": "spiffe://prod/ns/shop/sa/x",
           "DNS:shop.example,DNS:other": "shop.example", None: "Shop%20GmbH",
           WITH_NUL: "(unnamed)"}
    for san in who:
        pair = ca.issue("Shop GmbH", san=san)
        if protocol == "http":
            assert daemon.post(otlp.many("checkout", 1, "/pay", 5), tls=tls_context(ca, pair)).ok
        else:
            client = daemon.new_client([("grpc.use_local_subchannel_pool", 1)], otlp.tls_credentials(ca, pair))
            assert client.export(otlp.many("checkout", 1, "/pay", 5)).ok
    records = wait_lines(tmp_path / "records", len(who))
    assert [r["service"] for r in records] == ["unverified:" + name for name in who.values()]


def test_a_users_name_is_escaped(spantoll, tmp_path, prices):
    daemon = budgeted(spantoll, tmp_path, prices, "basicauth", {"htpasswd": {"inline": "a b\té:word"}})
    login = base64.b64encode("a b\té:word".encode()).decode()
    assert daemon.post(otlp.many("checkout", 1, "/pay", 5), headers={"authorization": "Basic " + login}).ok
    assert [r["service"] for r in wait_lines(tmp_path / "records", 1)] == ["unverified:a%20b%09%C3%A9"]
