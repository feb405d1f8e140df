# SPDX-License-Identifier: Apache-2.0
"""The HTTP API and its command line on a real daemon with a real Redis: what is asked is answered, what is changed happens, and
share/openapi.yaml tells the truth."""
import http.client
import json
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from decimal import Decimal

import pytest
import yaml

from env import otlp
from env.certificates import Authority
from env.daemon import BINARY, ROOT
from env.poll import eventually
from env.ports import free_port

pytestmark = pytest.mark.core

FLAG = "enforce:throttle:payment-svc"
METHODS = {"GET", "HEAD", "PUT", "DELETE"}


class Api:
    def __init__(self, port):
        self.port = port

    def __call__(self, method, path, body=None, **headers):
        """(status, JSON with exact amounts, headers)"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, body=text, headers={"Content-Type": "application/json"} | headers)
            r = connection.getresponse()
            said = r.read()
            return r.status, json.loads(said, parse_float=Decimal) if said else None, r.headers
        finally:
            connection.close()

    def row(self, subject):
        return next((r for r in self("GET", "/v1/spend")[1]["rows"] if r["subject"] == subject), None)

    def verb(self, *words, status=0):
        done = subprocess.run([BINARY, "budget", words[0], "--endpoint", f"127.0.0.1:{self.port}", *words[1:]], text=True,
                              capture_output=True, timeout=60)
        assert done.returncode == status, done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def fleet(spantoll, redis_server, prices):
    """fleet(extensions) -> a daemon and its API."""
    def start(extensions=None, budget="*", evaluation="1s", **admin):
        api = Api(free_port())
        enforcer = {"redis": {"endpoints": [redis_server.address], "timeout": "2s"}, "flush_interval": "100ms",
                    "evaluation_window": evaluation, "budgets": [{"match": {"service": budget}, "limit": 500, "window": "1h"}]}
        daemon = spantoll(processors={"pricing": {"file": prices({"payment-svc:/dear": "0.854000000001"})}, "cost": {}},
                          exporters={"enforcer": enforcer},
                          extensions=(extensions or {}) | {"admin": {"endpoint": f"127.0.0.1:{api.port}"} | admin})
        return daemon, api
    return start


def spend_600(daemon):
    """$512.4000000006"""
    span = otlp.span("POST", attrs={"http.route": "/dear"}, end_ns=time.time_ns(), duration_ms=600)
    assert daemon.export(otlp.request({"payment-svc": [span]})).ok


def test_from_the_span_to_the_answer_and_what_people_say_over_it(fleet, redis_server):
    daemon, api = fleet()
    assert api("GET", "/v1/throttle/payment-svc")[0] == 200
    spend_600(daemon)
    eventually(lambda: api("GET", "/v1/throttle/payment-svc")[0] == 429, 20, "the service is throttled", every=0.05)
    status, said, headers = api("GET", "/v1/throttle/payment-svc")
    assert (status, said["throttled"], said["stale"], said["reason"]) == (429, True, False, "budget")
    assert int(headers["Retry-After"]) == said["retry_after_s"] >= 1 and said["limit_usd"] == 500
    assert abs(said["spent_usd"] - Decimal("512.4")) < Decimal("1e-6")
    assert "spent_usd" not in api("GET", "/v1/throttle/payment-svc", Host="rebound.example")[1]
    assert api("GET", "/v1/throttle/payment-svc%00x")[0] == 200, "a name with a NUL is another name"
    assert api("GET", "/v1/authz/x", **{"X-Service-Name": "payment-svc"})[0] == 429
    assert redis_server.client.get(FLAG) == "true"
    row = api.row("payment-svc")
    assert (row["state"], row["throttled"], row["window"], row["limit_usd"]) == ("throttled", True, "1h", 500)
    assert " throttled" in api.verb("list", "payment-*")

    assert "let through for 1 h," in api.verb("override", "payment-svc", "allow", "--ttl", "1h", "--why", "incident 42")
    eventually(lambda: api("GET", "/v1/throttle/payment-svc")[0] == 200, 10, "the override lets it through", every=0.05)
    eventually(lambda: api.row("payment-svc")["state"] == "override", 10, "the list shows it")
    assert "override: allow" in api.verb("list")
    api.verb("override", "payment-svc", "clear")
    eventually(lambda: api("GET", "/v1/throttle/payment-svc")[0] == 429, 20, "the budget counts again", every=0.05)

    assert "is on" in api.verb("kill", "on", "--why", "prices are wrong")
    eventually(lambda: api("GET", "/v1/throttle/payment-svc")[0] == 200, 10, "nobody is throttled", every=0.02)
    assert "prices are wrong" in api.verb("kill") and api("GET", "/v1/kill")[1]["on"] is True
    assert api.verb("list").startswith("The kill switch is on")
    assert "is off" in api.verb("kill", "off")
    eventually(lambda: api("GET", "/v1/throttle/payment-svc")[0] == 429, 20, "budgets throttle again", every=0.05)

    events = api("GET", "/v1/audit?limit=1000")[1]["events"]
    whats = [e["what"] for e in events]
    assert {"set", "override"} <= set(whats), whats
    said = next(e for e in events if e["what"] == "override" and e.get("why") == "incident 42")
    assert said["subject"] == "payment-svc" and said["who"].startswith("local")
    shown = api.verb("audit", "payment-svc")
    assert "incident 42" in shown and "budget" in shown
    assert daemon.metric("spantoll_admin_requests", admin="admin", answer="throttled") >= 2


def test_a_budget_is_set_and_removed_while_the_fleet_runs(fleet):
    daemon, api = fleet()
    span = otlp.span("POST", attrs={"http.route": "/dear"}, end_ns=time.time_ns(), duration_ms=10)  # $8.54
    assert daemon.export(otlp.request({"payment-svc": [span]})).ok
    api.verb("set", "small", "5/1h", "--match", "service=payment-*")
    eventually(lambda: api("GET", "/v1/throttle/payment-svc")[0] == 429, 30, "the new budget throttles", every=0.1)
    assert "run time" in api.verb("list", "--rules")
    assert api("PUT", "/v1/budgets/wrong", {"limit": -1})[0] == 400
    api.verb("remove", "small")
    eventually(lambda: "small" not in api.verb("list", "--rules"), 10, "the budget is gone")
    eventually(lambda: api("GET", "/v1/throttle/payment-svc")[0] == 200, 40, "and with it the flag", every=0.2)


def test_deny_throttles_whoever_has_money_left(fleet):
    daemon, api = fleet()
    span = otlp.span("POST", attrs={"http.route": "/dear"}, end_ns=time.time_ns(), duration_ms=1)
    assert daemon.export(otlp.request({"payment-svc": [span]})).ok
    eventually(lambda: (api.row("payment-svc") or {}).get("state") == "ok", 20, "the service has spent")
    status, said, _ = api("PUT", "/v1/overrides/payment-svc", {"action": "deny", "ttl": "10m", "why": "abuse"})
    assert (status, said) == (200, {"subject": "payment-svc", "action": "deny", "ttl_s": 600})
    eventually(lambda: api("GET", "/v1/throttle/payment-svc")[0] == 429, 10, "it is throttled", every=0.05)
    assert api("GET", "/v1/throttle/payment-svc")[1]["reason"] == "override"
    assert api("PUT", "/v1/overrides/a:b:c", {"action": "deny"})[0] == 400
    for subject, sentence in [
            ("tenant:acme", "no budget of this daemon is for subjects like tenant:acme; there are budgets for service"),
            ("servcie:cart", "no budget of this daemon is for subjects like servcie:cart (did you mean service?); "
                             "there are budgets for service"),
            ("service:cart", 'service:cart: a service alone is named without "service:"')]:
        status, said, _ = api("PUT", f"/v1/overrides/{subject}", {"action": "deny", "ttl": "10m"})
        assert (status, said["error"]) == (400, sentence)


def test_budgets_are_listed_without_redis_too(spantoll, prices):
    api = Api(free_port())
    spantoll(processors={"pricing": {"file": prices({"a:/b": "1"})}, "cost": {}}, exporters={"enforcer": {"store": "memory"}},
             extensions={"admin": {"endpoint": f"127.0.0.1:{api.port}"}})
    status, said, _ = api("GET", "/v1/budgets")
    assert status == 200
    assert [(b["source"], b["budget"]["limit"]) for b in said["budgets"]] == [("default", 500)]
    assert "in the configuration" in api("PUT", "/v1/budgets/small", {"limit": 5})[1]["error"]


def test_deny_reaches_every_daemon_without_a_budget(fleet, redis_server):
    """Nobody else would look at such a service: one that spends nothing and has no budget. Nor would a daemon after a restart."""
    (_, one), (_, other) = fleet(budget="batch-*"), fleet(budget="batch-*")
    assert one("PUT", "/v1/overrides/idle-svc", {"action": "deny", "ttl": "10m"})[0] == 200
    for api in (one, other, fleet(budget="batch-*")[1]):
        eventually(lambda a=api: a("GET", "/v1/throttle/idle-svc")[0] == 429, 10, "every daemon denies it", every=0.05)
    assert other("PUT", "/v1/kill", {"on": True})[0] == 200
    eventually(lambda: redis_server.client.get("enforce:throttle:idle-svc") is None, 10, "the kill switch frees it")
    assert other("PUT", "/v1/kill", {"on": False})[0] == 200
    eventually(lambda: redis_server.client.get("enforce:throttle:idle-svc") == "true", 10, "it is denied again")
    assert other("DELETE", "/v1/overrides/idle-svc")[0] == 200
    eventually(lambda: all(a("GET", "/v1/throttle/idle-svc")[0] == 200 for a in (one, other)), 10, "it is free", every=0.05)
    assert redis_server.client.zcard("enforce:overridden") == 0
    # What nobody could act upon is not promised.
    status, said, _ = one("PUT", "/v1/overrides/tenant:acme", {"action": "deny", "ttl": "10m"})
    assert status >= 400 and "budget" in said["error"], said


def test_the_kill_switch_frees_at_once_whom_only_others_know(fleet, redis_server):
    """Flags of subjects that this daemon has no budget for; the next evaluation is a minute away."""
    ask = "/v1/throttle?service=cart&tenant=acme"
    redis_server.client.zadd("enforce:throttled", {"tenant:acme": int(time.time() + 3600) * 1000})
    _, api = fleet(evaluation="60s")
    eventually(lambda: api("GET", ask)[0] == 429, 10, "it is throttled", every=0.05)
    redis_server.client.set("enforce:kill", "Ann")
    told = time.monotonic()
    eventually(lambda: api("GET", ask)[0] == 200, 10, "it is free", every=0.05)
    assert time.monotonic() - told < 5


def test_money_of_a_budget_set_at_run_time_outlives_a_reload_without_redis(fleet, redis_server):
    daemon, api = fleet()
    assert api("PUT", "/v1/budgets/long", {"match": {"service": "*"}, "limit": 900, "window": "5h"})[0] == 200
    sums = [f"cost:rolling:payment-svc:{window}" for window in ("1h", "5h")]

    def published():
        return [round(Decimal(redis_server.client.get(key) or 0)) for key in sums]

    spend_600(daemon)
    eventually(lambda: published() == [512, 512], 20, "both windows are published")
    redis_server.pause()
    text = daemon.config_path.read_text()
    assert "2s" in text
    daemon.config_path.write_text(text.replace("2s", "1s"))
    daemon.reload()
    spend_600(daemon)
    failed = daemon.metric("spantoll_enforcer_redis_failures")
    eventually(lambda: daemon.metric("spantoll_enforcer_redis_failures") >= failed + 3, 20, "the new enforcer has its turn")
    redis_server.resume()
    eventually(lambda: published() == [1025, 1025], 20, "nothing is missing in either")


def test_without_redis_meshes_are_answered_and_people_told(fleet, redis_server):
    daemon, api = fleet(max_age="1s")
    spend_600(daemon)
    eventually(lambda: api("GET", "/v1/throttle/payment-svc")[0] == 429, 20, "the service is throttled", every=0.05)
    redis_server.pause()
    eventually(lambda: api("GET", "/v1/throttle/payment-svc")[1]["stale"], 20, "the copy is too old", every=0.05)
    assert api("GET", "/v1/throttle/payment-svc")[0] == 200
    status, said, _ = api("PUT", "/v1/kill", {"on": True})
    assert status in (503, 504) and said["error"]
    assert "spantoll budget kill:" in api.verb("kill", "off", status=1)
    redis_server.resume()
    eventually(lambda: api("GET", "/v1/throttle/payment-svc")[0] == 429, 30, "it is throttled again", every=0.05)


def test_people_show_a_token(fleet, tmp_path):
    token = tmp_path / "token"
    token.write_text("s3cret\n")
    daemon, api = fleet(extensions={"bearertokenauth": {"named_tokens": [{"name": "alice", "filename": str(token)}]}},
                        auth={"authenticator": "bearertokenauth"})
    assert api("GET", "/v1/throttle/a")[0] == 200
    status, said, headers = api("PUT", "/v1/kill", {"on": True})
    assert (status, headers["WWW-Authenticate"]) == (401, "Bearer") and said["error"]
    assert "--token-file FILE" in api.verb("list", status=1)
    assert "alice" in api.verb("kill", "on", "--why", "x", "--token-file", str(token))
    assert daemon.metric("spantoll_admin_requests", admin="admin", answer="denied") == 2


def test_tls_and_who_a_certificate_names(fleet, tmp_path):
    ca = Authority(tmp_path)
    ours, client = ca.issue("daemon"), ca.issue("alice")
    _, api = fleet(tls={"cert_file": str(ours.cert), "key_file": str(ours.key), "client_ca_file": str(ca.cert)})
    context = ssl.create_default_context(cafile=ca.cert)
    with pytest.raises((ssl.SSLError, ConnectionError, urllib.error.URLError)):
        urllib.request.urlopen(f"https://localhost:{api.port}/v1/kill", context=context, timeout=30).read()
    context.load_cert_chain(client.cert, client.key)
    ask = urllib.request.Request(f"https://localhost:{api.port}/v1/kill", b'{"on": true}', {"Content-Type": "application/json"},
                                 method="PUT")
    assert json.load(urllib.request.urlopen(ask, context=context, timeout=30))["on"] is True


def test_the_command_line_speaks_tls(fleet, tmp_path):
    ca = Authority(tmp_path)
    ours = ca.issue("daemon")
    _, api = fleet(tls={"cert_file": str(ours.cert), "key_file": str(ours.key)})
    endpoint = f"https://localhost:{api.port}"
    done = subprocess.run([BINARY, "budget", "kill", "--endpoint", endpoint, "--ca-file", ca.cert], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0 and "is off" in done.stdout, done.stderr
    done = subprocess.run([BINARY, "budget", "kill", "--endpoint", endpoint], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "certificate" in done.stderr


def test_beyond_this_machine_only_with_a_name(tmp_path):
    config = tmp_path / "c.yaml"
    for admin, ok in [("{endpoint: '0.0.0.0:8080'}", False), ("{endpoint: 'localhost:8080'}", True),
                      ("{endpoint: '0.0.0.0:8080', auth: {authenticator: bearertokenauth}}", True)]:
        config.write_text("receivers: {otlp: {protocols: {grpc: }}}\nexporters: {nop: }\n"
                          f"extensions:\n  bearertokenauth: {{token: x}}\n  admin: {admin}\n"
                          "service:\n  extensions: [bearertokenauth, admin]\n"
                          "  pipelines: {traces: {receivers: [otlp], exporters: [nop]}}\n")
        done = subprocess.run([BINARY, "validate", config], capture_output=True, text=True, timeout=60)
        assert (done.returncode == 0) == ok, done.stdout + done.stderr
        if not ok:
            assert "whoever reaches \"0.0.0.0:8080\" could throttle any service" in done.stdout + done.stderr


# ---- share/openapi.yaml ----

def described():
    """{path: methods}, with HEAD where there is GET."""
    paths = yaml.safe_load((ROOT / "share/openapi.yaml").read_text())["paths"]
    methods = {p: {m.upper() for m in item if m.upper() in METHODS} for p, item in paths.items()}
    return {p: m | ({"HEAD"} if "GET" in m else set()) for p, m in methods.items()}


def test_the_description_names_every_path_and_method(fleet):
    _, api = fleet()
    source = (ROOT / "extensions/admin/route.c").read_text().split("toll_admin_routes[] = {")[1].split("};")[0]
    assert {line.split('"')[-2] for line in source.splitlines() if '"/' in line} == set(described())
    for path, methods in described().items():
        if "/authz" in path:
            continue  # any method
        for method in METHODS | {"POST", "PATCH", "OPTIONS"}:
            status, _, headers = api(method, path.replace("{", "x").replace("}", ""))
            assert (status != 405) == (method in methods), (method, path, status)
            if status == 405:
                assert {m.strip() for m in headers["Allow"].split(",")} == methods


def test_answers_are_as_described(fleet):
    daemon, api = fleet()
    spend_600(daemon)
    eventually(lambda: api("GET", "/v1/throttle/payment-svc")[0] == 429, 20, "the service is throttled", every=0.05)
    schemas = yaml.safe_load((ROOT / "share/openapi.yaml").read_text())["components"]["schemas"]

    def check(said, name):
        schema = schemas[name]
        assert set(schema.get("required", [])) <= set(said) <= set(schema["properties"]), (name, said)
    check(api("GET", "/v1/throttle/payment-svc")[1], "Answer")
    check(api("GET", "/v1/throttle/other")[1], "Answer")
    check(api("GET", "/nowhere")[1], "Error")
    check(api.row("payment-svc"), "Row")
    for event in eventually(lambda: api("GET", "/v1/audit")[1]["events"], 10, "there are events"):
        assert "what" in event
    for budget in api("GET", "/v1/budgets")[1]["budgets"]:
        assert set(budget) == {"name", "source", "budget"} and set(budget["budget"]) <= set(schemas["Budget"]["properties"]), budget
