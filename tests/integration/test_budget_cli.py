# SPDX-License-Identifier: Apache-2.0
"""`spantoll budget` says what it means: the requests it makes and the tables it shows, of an API that the test plays.
With a real daemon: test_admin.py."""
import http.server
import json
import os
import pty
import re
import subprocess
import threading
import time

import pytest

from env.daemon import BINARY

pytestmark = pytest.mark.core

SPEND = {"rows": [
    {"subject": "cart", "state": "ok", "spent_usd": 0.0000004, "throttled": False, "limit_usd": 500, "mode": "enforce",
     "utilization_pct": 0.00000008, "window": "24h", "ema_usd": 0.1, "budget": "all", "forecast_s": 11400.0},
    {"subject": "payment-svc", "state": "throttled", "spent_usd": 512.4, "throttled": True, "limit_usd": 500,
     "utilization_pct": 102.48, "window": "24h", "ema_usd": 506.1, "budget": "payments", "mode": "enforce"},
    {"subject": "tenant:acme", "state": "override", "override": "deny", "spent_usd": 12, "throttled": True},
]}
BUDGETS = {"budgets": [{"name": "payments", "source": "run time", "budget": {
    "match": {"service": "payment-*"}, "limit": 500, "period": "month", "mode": "shadow"}}]}
EVENTS = {"events": [{"time_ms": 1795000000000, "what": "set", "subject": "payment-svc", "reason": "budget", "budget": "payments",
                      "window": "24h", "spent_usd": 512.4, "limit_usd": 500, "by": "7f00"},
                     {"time_ms": 1795000000000, "what": "override", "subject": "tenant:acme", "reason": "deny", "who": "local:bob",
                      "why": "incident 42"}]}


class Api(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked, self.status, self.kill = [], 200, False
        self.endpoint = f"127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    def do(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.command, self.path, json.loads(body) if body else None, self.headers))
        answer = {"/v1/spend": SPEND, "/v1/budgets": BUDGETS, "/v1/audit": EVENTS,
                  "/v1/kill": {"on": self.server.kill, "by": "alice: prices"}}.get(self.path.split("?")[0], {"ttl_s": 5400})
        if self.server.status != 200:
            answer = {"error": "the daemon's sentence"}
        text = json.dumps(answer).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_PUT = do_DELETE = do

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def server():
    api = Api()
    yield api
    api.shutdown()
    api.server_close()


@pytest.fixture
def api(server):
    server.asked.clear()
    server.status, server.kill = 200, False
    return server


def budget(api, *words, status=0, **env):
    done = subprocess.run([BINARY, "budget", words[0], "--endpoint", api.endpoint, *words[1:]], capture_output=True, text=True,
                          timeout=60, env={**os.environ, "USER": "bob", "SUDO_USER": "", "http_proxy": "http://127.0.0.1:9", **env})
    assert done.returncode == status, done.stderr
    return done


def asked(api):
    """The last request: method, path, body."""
    return api.asked[-1][:3]


def test_list_shows_who_needs_a_look_first(api):
    lines = budget(api, "list").stdout.splitlines()
    assert lines[0].split() == ["SUBJECT", "SPENT", "LIMIT", "%", "WINDOW", "EMA", "STATE", "FORECAST", "BUDGET"]
    assert lines[1].split() == ["payment-svc", "$512.40", "$500.00", "102%", "24h", "$506.10", "throttled", "payments"]
    assert " ".join(lines[2].split()) == "cart $0.0000004 $500.00 0% 24h $0.10 ok in 3 h 10 min all"
    assert lines[3].split() == ["tenant:acme", "$12.00", "override:", "deny"]
    assert [r[:2] for r in api.asked] == [("GET", "/v1/kill"), ("GET", "/v1/spend")]
    assert budget(api, "list", "tenant:*").stdout.count("\n") == 2
    assert "and 2 more" in budget(api, "list", "--top", "1").stdout
    assert budget(api, "list", "nobody").stdout == "Nobody of that name has spent anything.\n"
    exact = budget(api, "list", "--json").stdout
    assert '"spent_usd":512.4,' in exact and json.loads(exact)["rows"][0]["subject"] == "payment-svc"


def test_list_says_that_the_kill_switch_is_on(api):
    api.kill = True
    assert budget(api, "list").stdout.startswith("The kill switch is on, nobody is throttled: alice: prices\n")


def test_list_shows_the_budgets_themselves(api):
    lines = budget(api, "list", "--rules").stdout.splitlines()
    assert lines[1].split() == ["payments", "service=payment-*", "$500.00", "month", "shadow", "run", "time"]


def on_a_terminal(api, columns, *words, **env):
    """What a terminal of so many columns is sent."""
    child, fd = pty.fork()
    if child == 0:
        os.environ.update(env)
        os.execvp("sh", ["sh", "-c", f'stty cols {columns}; exec "$@"', "sh", BINARY, "budget", *words, "--endpoint", api.endpoint])
    text = b""
    try:
        while chunk := os.read(fd, 4096):
            text += chunk
    except OSError:  # the other side is closed
        pass
    os.close(fd)
    assert os.waitpid(child, 0)[1] == 0, text
    return text.decode()


def test_a_narrow_terminal_gets_what_matters(api):
    shown = on_a_terminal(api, 64, "list")
    assert "\x1b[31mthrottled" in shown and "BUDGET" not in shown
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert "payment-svc" in plain and max(map(len, plain.splitlines())) <= 64
    assert "BUDGET" in on_a_terminal(api, 140, "list")
    assert "\x1b" not in on_a_terminal(api, 64, "list", NO_COLOR="1")


def test_set_sends_a_budget(api):
    budget(api, "set", "payment-svc", "500/24h", "--shadow")
    assert asked(api) == ("PUT", "/v1/budgets/payment-svc?who=bob", {
        "match": {"service": "payment-svc"}, "limit": 500, "window": "24h", "mode": "shadow"})
    assert api.asked[-1][3]["Content-Type"] == "application/json"
    budget(api, "set", "a/b", "$20.50/month", "--match", "tenant=*", "--match", "service=x=*", "--timezone", "Europe/Berlin",
           "--evaluation-window", "10s", "--alpha", ".2", "--windows", "2", "--release", "0.8", "--fast-trip", "3/5m")
    assert asked(api) == ("PUT", "/v1/budgets/a%2Fb?who=bob", {
        "match": {"tenant": "*", "service": "x=*"}, "limit": 20.5, "period": "month", "timezone": "Europe/Berlin", "mode": "enforce",
        "evaluation_window": "10s", "ema": {"alpha": 0.2, "windows": 2, "release": 0.8}, "fast_trip": {"factor": 3, "over": "5m"}})
    budget(api, "remove", "payment-svc")
    assert asked(api) == ("DELETE", "/v1/budgets/payment-svc?who=bob", None)


def test_override_names_subjects_as_people_do(api):
    done = budget(api, "override", "payment-svc", "allow", "--ttl", "90m", "--why", 'incident "42"')
    assert asked(api) == ("PUT", "/v1/overrides/payment-svc", {"action": "allow", "ttl": "90m", "why": 'incident "42"', "who": "bob"})
    assert done.stdout.startswith("payment-svc is let through for 1 h 30 min")
    budget(api, "override", "service=payment:svc,tenant=acme", "deny")
    assert asked(api)[1] == "/v1/overrides/tenant%3Aacme%3Aservice%3Apayment%253Asvc"
    budget(api, "override", "service=payment-svc", "deny")
    assert asked(api)[1] == "/v1/overrides/payment-svc"
    budget(api, "override", "tenant:acme", "clear", "--why", "over & out")
    assert asked(api) == ("DELETE", "/v1/overrides/tenant%3Aacme?why=over%20%26%20out&who=bob", None)


def test_kill_wants_a_reason(api):
    assert "--why" in budget(api, "kill", "on", status=2).stderr and not api.asked
    budget(api, "kill", "on", "--why", "prices are wrong")
    assert asked(api) == ("PUT", "/v1/kill", {"on": True, "why": "prices are wrong", "who": "bob"})
    assert "off: budgets throttle" in budget(api, "kill").stdout
    api.kill = True
    assert "alice: prices" in budget(api, "kill", "status").stdout
    assert json.loads(budget(api, "kill", "--json").stdout)["on"] is True


def test_audit_tells_what_was_done(api):
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1795000000))
    lines = budget(api, "audit", "tenant=acme", "--limit", "7").stdout.splitlines()
    assert asked(api) == ("GET", "/v1/audit?limit=7&subject=tenant%3Aacme", None)
    assert " ".join(lines[1].split()) == f"{when} payment-svc set budget: payments $512.40/$500.00 in 24h 7f00"
    assert lines[2].split()[1:] == ["tenant:acme", "override", "deny:", "incident", "42", "local:bob"]


@pytest.mark.parametrize("words, wanted", [
    (["set", "a"], "say NAME LIMIT/WINDOW"),
    (["set", "a", "5"], "say LIMIT/WINDOW: 500/24h"),
    (["set", "a", "x/24h"], "no amount in USD"),
    (["set", "a", "5/year"], "nor day, week or month"),
    (["set", "a", "5/1h", "--match", "tenant"], "--match DIMENSION=PATTERN"),
    (["set", "a", "5/1h", "--alpha", "x"], '--alpha: "x" is no number'),
    (["set", "a", "5/1h", "--fast-trip", "3"], "--fast-trip FACTOR/OVER"),
    (["override", "a", "alow"], 'did you mean "allow"?'),
    (["override", "a", "allow", "--ttl", "5"], "--ttl"),
    (["override", "tenant=", "allow"], "DIMENSION=VALUE"),
    (["override", "a"], "say SUBJECT allow, deny or clear"),
    (["kill", "onn"], 'did you mean "on"?'),
    (["remove"], "name one budget"),
    (["list", "a", "b"], "one PATTERN"),
])
def test_slips_get_a_hint(api, words, wanted):
    assert wanted in budget(api, *words, status=2).stderr
    assert not api.asked


def test_what_the_daemon_says_is_told_with_what_to_do(api, tmp_path):
    api.status = 400
    assert budget(api, "remove", "x", status=1).stderr == "spantoll budget remove: the daemon's sentence\n"
    api.status = 401
    assert "--token-file FILE" in budget(api, "kill", status=1).stderr
    token = tmp_path / "token"
    token.write_text("secret\n")
    done = budget(api, "kill", "--token-file", str(token), status=1)
    assert "does not take the token" in done.stderr and "secret" not in done.stderr
    assert api.asked[-1][3]["Authorization"] == "Bearer secret"
    assert "cannot be read" in budget(api, "kill", "--token-file", str(tmp_path / "none"), status=2).stderr


def test_nobody_there_names_the_fix():
    done = subprocess.run([BINARY, "budget", "list", "--endpoint", "127.0.0.1:9"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "add `admin: {}` to extensions" in done.stderr and "--endpoint (127.0.0.1:9)" in done.stderr
