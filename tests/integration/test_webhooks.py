# SPDX-License-Identifier: Apache-2.0
"""Webhooks are told what happens to flags: in Slack's format or as it is, again where they fail, not too often, by one
daemon of many, and without holding anything up."""
import json
import subprocess
import time
import urllib.request

import pytest

from env import otlp
from env.daemon import BINARY
from env.poll import eventually
from env.ports import free_port
from env.webhook import Answer, Webhook

pytestmark = pytest.mark.core


@pytest.fixture
def hook():
    hook = Webhook().start()
    yield hook
    hook.stop()


@pytest.fixture
def throttling(spantoll, prices):
    """A daemon that flags at the first window over $1 in 2 s, and releases when the money has left."""
    def start(*webhooks, **more):
        return spantoll(
            processors={"pricing": {"file": prices({f"{s}:/pay": "1" for s in ("shop", "chat", "bank")})}, "cost": {}},
            exporters={"enforcer": {"store": "memory", "evaluation_window": "1s", "ema": {"alpha": 1, "windows": 1},
                                    "budgets": [{"limit": 1, "window": "2s"}], "throttle": {"max_throttled_fraction": 1},
                                    "webhooks": list(webhooks), **more}})
    return start


def spend(daemon, service="shop"):
    assert daemon.export(otlp.many(service, 1, "/pay", duration_ms=5)).ok


def count(daemon, name):
    return daemon.metric(f"spantoll_enforcer_webhook_{name}")


def test_set_and_release_are_told_as_slack_and_as_json(throttling, hook):
    daemon = throttling({"url": f"{hook.url}/slack/secret", "format": "slack", "cooldown": "0s"},
                        {"url": f"{hook.url}/json", "cooldown": "0s", "headers": {"Authorization": "Bearer t0ken"}})
    spend(daemon)
    eventually(lambda: len(hook.taken) >= 4, 20, "two messages each")
    slack = [c.body for c in hook.taken if c.path == "/slack/secret"]
    assert slack[0]["text"] == ":no_entry: *shop* exceeded its budget and is throttled: $5.00/$1 in 2s"
    assert slack[0]["blocks"][0] == {"type": "section", "text": {"type": "mrkdwn", "text": slack[0]["text"]}}
    assert slack[1]["text"].startswith(":white_check_mark: *shop* is back within its budget")
    told = [c for c in hook.taken if c.path == "/json"]
    assert [c.body["what"] for c in told] == ["set", "release"]
    event = told[0].body
    assert (event["subject"], event["reason"], event["window"]) == ("shop", "budget", "2s")
    assert (event["spent_usd"], event["limit_usd"], event["ema_usd"]) == (5, 1, 5)
    assert abs(event["time_ms"] / 1000 - time.time()) < 60
    assert told[0].headers["authorization"] == "Bearer t0ken"
    assert told[0].headers["content-type"] == "application/json"
    eventually(lambda: count(daemon, "messages") == 4, 10, "all are counted")
    assert count(daemon, "failures") == count(daemon, "dropped") == 0


def test_a_webhook_that_fails_is_told_again(throttling, hook):
    hook.answers = [Answer(500), Answer(429, {"Retry-After": "3"}), Answer(200)]
    daemon = throttling({"url": f"{hook.url}/secret", "on": ["set"]})
    spend(daemon)
    eventually(lambda: hook.taken, 30, "it is told in the end")
    first, second, third = hook.calls
    assert first.body == second.body == third.body and first.body["what"] == "set"
    assert second.at - first.at > 0.9 and third.at - second.at > 2.9
    eventually(lambda: count(daemon, "messages") == 1, 10, "it is counted")
    assert count(daemon, "failures") == 2 and count(daemon, "dropped") == 0
    assert f"webhook {hook.url} answers 500; it is tried again" in daemon.log and "/secret" not in daemon.log


def test_a_slow_webhook_holds_nothing_up(throttling, hook):
    hook.answers = [Answer(wait=20)] * 20
    daemon = throttling({"url": hook.url, "timeout": "1s"}, {"url": f"{hook.url}/other"})
    for service in ("shop", "chat", "bank"):
        spend(daemon, service)
    eventually(lambda: all(daemon.metric("spantoll_enforcer_throttled", service=s) == 1 for s in ("shop", "chat", "bank")),
               10, "all are flagged")
    eventually(lambda: all(daemon.metric("spantoll_enforcer_throttled", service=s) == 0 for s in ("shop", "chat", "bank")),
               10, "all are released")
    eventually(lambda: count(daemon, "failures") >= 1, 20, "the time-out is noticed")
    assert daemon.stop() == 0


def test_a_refused_message_is_not_repeated(throttling, hook):
    hook.answers = [Answer(400, body=b"invalid_payload"), Answer(302, {"Location": "http://127.0.0.1:1/"})]
    daemon = throttling({"url": f"{hook.url}/secret", "cooldown": "0s"})
    spend(daemon)
    eventually(lambda: count(daemon, "dropped") == 2, 20, "both are given up")
    assert [c.body["what"] for c in hook.calls] == ["set", "release"]
    assert "refuses a message with 400: invalid_payload" in daemon.log
    spend(daemon)
    eventually(lambda: hook.events[:1] == [("set", "shop")], 20, "the next one is told")


def test_a_flapping_flag_is_told_once_per_cooldown_and_the_last_state_always(throttling, hook):
    daemon = throttling({"url": hook.url, "cooldown": "12s"})
    for flap in (1, 2):
        spend(daemon)
        eventually(lambda: daemon.metric("spantoll_enforcer_flags_set") == flap, 10, "set")
        eventually(lambda: daemon.metric("spantoll_enforcer_flags_released") == flap, 10, "released")
    assert hook.events == [("set", "shop")]
    eventually(lambda: len(hook.taken) == 2, 20, "the release, after the cooldown")
    assert hook.events == [("set", "shop"), ("release", "shop")]
    assert hook.taken[1].at - hook.taken[0].at > 11.5
    assert hook.taken[1].body["passed_over"] == 2 == count(daemon, "passed_over")


def test_what_waits_is_told_at_shutdown(throttling, hook):
    daemon = throttling({"url": hook.url, "cooldown": "1h"})
    spend(daemon)
    eventually(lambda: daemon.metric("spantoll_enforcer_flags_released") == 1, 10, "set and released")
    assert hook.events == [("set", "shop")]
    assert daemon.stop() == 0
    assert hook.events == [("set", "shop"), ("release", "shop")]


def test_of_two_daemons_one_tells(spantoll, prices, redis_server, hook):
    book = prices({"shop:/pay": "1"})
    daemons = [spantoll(
        processors={"pricing": {"file": book}, "cost": {}},
        exporters={"enforcer": {"redis": {"endpoints": [redis_server.address]}, "evaluation_window": "1s", "flush_interval": "100ms",
                                "ema": {"alpha": 1, "windows": 1}, "budgets": [{"limit": 1, "window": "4s"}],
                                "webhooks": [{"url": hook.url, "cooldown": "0s"}]}}) for _ in range(2)]
    for daemon in daemons:
        spend(daemon)
    eventually(lambda: ("release", "shop") in hook.events, 60, "set and released")
    assert hook.events == [("set", "shop"), ("release", "shop")]
    assert all(daemon.stop() == 0 for daemon in daemons)
    assert hook.events == [("set", "shop"), ("release", "shop")]
    assert all(c.body["by"] for c in hook.taken)


def test_what_people_do_is_told_with_who_and_why(spantoll, hook):
    port = free_port()
    daemon = spantoll(extensions={"admin": {"endpoint": f"127.0.0.1:{port}"}},
                      exporters={"enforcer": {"store": "memory", "webhooks": [{"url": hook.url, "cooldown": "1h"}]}})

    def put(path, body):
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", json.dumps(body).encode(),
                                         {"Content-Type": "application/json"}, method="PUT")
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert answer.status == 200

    put("/v1/kill", {"on": True, "why": "prices are wrong", "who": "ada"})
    put("/v1/kill", {"on": False, "who": "ada"})
    put("/v1/overrides/shop", {"action": "deny", "ttl": "1h", "why": "runaway", "who": "bob"})
    eventually(lambda: len(hook.taken) >= 4, 20, "all of it is told")
    told = [c.body for c in hook.taken]
    assert [(t["what"], t.get("subject")) for t in told] == [("kill", None), ("unkill", None), ("override", "shop"), ("set", "shop")]
    assert "ada" in told[0]["who"] and told[0]["why"] == "prices are wrong"
    assert told[2]["reason"] == "deny" and told[2]["why"] == "runaway" and told[2]["until_ms"] > told[2]["time_ms"]
    assert told[3]["reason"] == "override"
    assert daemon.stop() == 0


CONFIG = """
receivers: {otlp: {protocols: {grpc: }}}
processors: {cost: }
exporters:
  enforcer:
    store: memory
    webhooks: [%s]
service: {pipelines: {traces: {receivers: [otlp], processors: [cost], exporters: [enforcer]}}}
"""


@pytest.mark.parametrize("webhook, said", [
    ("{url: 'ftp://h/s3cret'}", "url: must be http://host/path or https://host/path"),
    ("{url: 'http://h/s3cret', on: [set, relase]}", 'enforcer::webhooks::0::on::1: there is no event "relase", did you mean "release"?'),
    ("{url: 'http://h/s3cret', headers: {Content-Length: '3'}}", '"Content-Length" is no header to set'),
    ("{url: 'http://h/s3cret', headers: {x: \"a\\nb\"}}", "the value of x must be printable"),
    ("{url: 'http://h/s3cret', cooldown: 25h}", "cooldown: at most 24h"),
    ("{url: 'http://h/s3cret', format: teams}", '"teams" must be one of json, slack'),
    ("{format: slack}", "url: is required"),
])
def test_settings_are_checked(tmp_path, webhook, said):
    config = tmp_path / "spantoll.yaml"
    config.write_text(CONFIG % webhook)
    done = subprocess.run([BINARY, "validate", "--config", config], capture_output=True, text=True)
    assert done.returncode == 3 and said in done.stdout + done.stderr
    assert "s3cret" not in done.stdout + done.stderr


def test_the_url_is_a_secret(tmp_path):
    config = tmp_path / "spantoll.yaml"
    config.write_text(CONFIG % "{url: 'https://hooks.slack.com/services/s3cret'}")
    shown = subprocess.run([BINARY, "print-config", "--config", config], capture_output=True, text=True)
    assert shown.returncode == 0 and "REDACTED" in shown.stdout and "s3cret" not in shown.stdout
