# SPDX-License-Identifier: Apache-2.0
"""Authenticators on both protocols: who is let in, what the others hear, and that secrets stay secret."""
import base64
import json
import subprocess
from concurrent import futures

import grpc
import pytest

from env import otlp
from env.daemon import BINARY
from env.docs import curl_lines, run
from env.poll import eventually

pytestmark = pytest.mark.core
BOTH = pytest.mark.parametrize("protocol", ["grpc", "http"])
PASSWORD = "geheim"
HASHES = {  # of that password
    "bcrypt": "$2y$05$abcdefghijklmnopqrstuuVWu8RjbNovPZWAMRdd7iqaaG0mI53Uu",
    "sha512": "$6$saltsalt$sfZR6YSW/Dp0uCiyF9fDipa6ORr5LVLOwXNgtzRlXXhkC7xA3w4zy97VIC3vL14AUXGJp3yBjZVztkdiBzJnX1",
    "sha1": "{SHA}kGByAB793z4R5tK1eC9Hd/4Dhzk=",
    "plain": PASSWORD,
}
HTPASSWD = "".join(f"{user}:{value}\n" for user, value in HASHES.items())


def bearer(token):
    return {"authorization": f"Bearer {token}"}


def basic(user, password=PASSWORD):
    return {"authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


SLOW = "$2y$10$abcdefghijklmnopqrstuu3qWavo/JrKRRVDF/68ERj4rQOXSVCG2"  # of that password too: 50 ms and more


def guarded(spantoll, protocol, extension, settings, **more):
    auth = {"auth": {"authenticator": extension}}
    return spantoll(receivers={"otlp": {"protocols": {"grpc": {}} | {protocol: auth}}},
                    extensions={extension: settings}, **more)


def send(daemon, protocol, headers=None, spans=1):
    """The answer; .denied says whether it is the right one for strangers."""
    body = otlp.many("checkout", spans)
    if protocol == "http":
        answer = daemon.post(body, headers=headers or {})
        answer.denied = answer.code == 401 and answer.status[0] == 16
    else:
        answer = daemon.export(body, metadata=list((headers or {}).items()))
        answer.denied = answer.code == grpc.StatusCode.UNAUTHENTICATED and answer.retry_delay is None
    return answer


@BOTH
def test_a_token_is_needed(spantoll, protocol):
    daemon = guarded(spantoll, protocol, "bearertokenauth", {"tokens": ["first-secret", "second-secret"]})
    assert send(daemon, protocol, bearer("first-secret")).ok
    assert send(daemon, protocol, {"authorization": "bearer second-secret"}).ok, "the scheme in any case"
    for headers in (None, bearer("other"), bearer("first-secre"), bearer("first-secrets"), bearer(""),
                    {"authorization": "first-secret"}, basic("plain")):
        answer = send(daemon, protocol, headers)
        assert answer.denied, (headers, answer)
        assert "first" not in str(answer)
        if protocol == "http":
            assert answer.headers["www-authenticate"] == "Bearer"
    assert daemon.metric("spantoll_receiver_denied_requests", transport=protocol) == 7
    assert daemon.metric("otelcol_receiver_accepted_spans") == 2
    assert daemon.client.call("/grpc.health.v1.Health/Check").ok, "probes need no token"
    assert "secret" not in daemon.log


@BOTH
def test_another_header_without_scheme(spantoll, protocol):
    daemon = guarded(spantoll, protocol, "bearertokenauth/key", {"header": "X-Api-Key", "scheme": "", "token": "abc"})
    assert send(daemon, protocol, {"x-api-key": "abc"}).ok
    assert send(daemon, protocol, bearer("abc")).denied


def test_new_tokens_in_the_file_are_read(spantoll, tmp_path):
    file = tmp_path / "tokens"
    file.write_text("old-secret\n")
    daemon = guarded(spantoll, "http", "bearertokenauth", {"filename": str(file)})
    assert send(daemon, "http", bearer("old-secret")).ok
    file.write_text("\n")
    daemon.wait_log("the old tokens stay in use: .*there is no token in it")
    assert send(daemon, "http", bearer("old-secret")).ok
    file.write_text("new-secret\nspare-secret\n")
    daemon.wait_log("tokens read again")
    assert send(daemon, "http", bearer("new-secret")).ok and send(daemon, "http", bearer("spare-secret")).ok
    assert send(daemon, "http", bearer("old-secret")).denied
    assert "secret" not in daemon.log


@BOTH
def test_a_user_and_a_password_are_needed(spantoll, protocol, tmp_path):
    file = tmp_path / "htpasswd"
    file.write_text(HTPASSWD)
    daemon = guarded(spantoll, protocol, "basicauth", {"htpasswd": {"file": str(file), "inline": "extra:word"}})
    for user in HASHES:
        assert send(daemon, protocol, basic(user)).ok, user
        assert send(daemon, protocol, basic(user, "wrong")).denied, user
    assert send(daemon, protocol, basic("extra", "word")).ok
    for headers in (None, basic("nobody"), basic("bcrypt", ""), bearer("x"), {"authorization": "Basic !!"},
                    {"authorization": "Basic " + base64.b64encode(b"nocolon").decode()}):
        answer = send(daemon, protocol, headers)
        assert answer.denied, (headers, answer)
        if protocol == "http":
            assert answer.headers["www-authenticate"].startswith('Basic realm="')
    assert PASSWORD not in daemon.log


def test_a_slow_hash_is_computed_once(spantoll):
    daemon = guarded(spantoll, "grpc", "basicauth", {"htpasswd": {"inline": f"shop:{SLOW}"}})
    eventually(lambda: send(daemon, "grpc", basic("shop")).ok, 5, "the first answer")
    before = daemon.cpu_seconds()
    assert all(send(daemon, "grpc", basic("shop")).ok for _ in range(200))
    assert daemon.cpu_seconds() - before < 2, "200 times bcrypt would be 10 s"


def test_too_many_passwords_at_once_are_told_to_come_again(spantoll):
    """429 with Retry-After, RESOURCE_EXHAUSTED with RetryInfo: without those an SDK would drop the spans."""
    guard = {"auth": {"authenticator": "basicauth"}}
    daemon = spantoll(receivers={"otlp": {"protocols": {"grpc": {**guard}, "http": {**guard}}}},
                      extensions={"basicauth": {"htpasswd": {"inline": f"shop:{SLOW}"}}})
    refused, denied = {"grpc": [], "http": []}, 0
    with futures.ThreadPoolExecutor(2) as pool:
        for guess in range(200):
            answers = list(pool.map(lambda p: (p, send(daemon, p, basic("shop", f"{p}{guess}"))), refused))
            denied += sum(a.denied for _, a in answers)
            for protocol, answer in answers:
                if not answer.denied:
                    refused[protocol].append(answer)
            if all(refused.values()):
                break
    for answer in refused["http"]:
        assert answer.code == 429 and answer.status == (8, "too many passwords to check at once: come again"), answer
        assert 1 <= answer.retry_delay <= int(answer.headers["retry-after"]) <= 5
    for answer in refused["grpc"]:
        assert answer.code == grpc.StatusCode.RESOURCE_EXHAUSTED and 1 <= answer.retry_delay <= 5, answer
    for protocol, answers in refused.items():
        assert answers, protocol
        assert daemon.metric("otelcol_receiver_requests", transport=protocol, outcome="refused") == len(answers)
        eventually(lambda: send(daemon, protocol, basic("shop")).ok, 10, "the right password is let in")
    assert sum(daemon.metric("spantoll_receiver_denied_requests", transport=p) for p in refused) == denied


def test_passwords_that_change_are_forgotten(spantoll, tmp_path):
    file = tmp_path / "htpasswd"
    file.write_text("shop:first\n")
    daemon = guarded(spantoll, "http", "basicauth", {"htpasswd": {"file": str(file)}})
    assert send(daemon, "http", basic("shop", "first")).ok
    file.write_text("shop:second\n")
    daemon.wait_log("passwords read again")
    assert send(daemon, "http", basic("shop", "first")).denied
    assert send(daemon, "http", basic("shop", "second")).ok


def test_the_curl_lines_of_the_page_work(spantoll, tmp_path):
    token = guarded(spantoll, "http", "bearertokenauth", {"token": "abc"})
    user = guarded(spantoll, "http", "basicauth", {"htpasswd": {"inline": "shop:word"}})
    path = tmp_path / "http.sock"
    spantoll(receivers={"otlp": {"protocols": {"http": {"endpoint": f"unix:{path}"}}}})
    by_token, by_user, by_path = curl_lines("auth.md", {"/run/spantoll/http.sock": path})
    for line, daemon in (by_token, token), (by_user, user), (by_path, token):
        env = {"TOKEN": "abc", "USER_NAME": "shop", "PASSWORD": "word"}
        line = line.replace("localhost:4318", daemon.http)
        assert run(line, env).startswith("HTTP/1.1 200 OK"), line
        if line != by_path:
            refused = run(line, env | {"TOKEN": "x", "PASSWORD": "x"})
            assert refused.startswith("HTTP/1.1 401") and "WWW-Authenticate" in refused


def spantoll_verb(*args):
    return subprocess.run([BINARY, *args], capture_output=True, text=True, timeout=300)


CONFIG = """
receivers: {otlp: {protocols: {grpc: {auth: {authenticator: %s}}}}}
exporters: {nop: }
extensions:
  bearertokenauth: {tokens: [streng-geheim], named_tokens: [{name: shop, token: auch-geheim}]}
  basicauth: {htpasswd: {inline: "shop:ganz-geheim"}}
  health_check: {endpoint: "127.0.0.1:0"}
service: {extensions: [bearertokenauth, basicauth, health_check],
          pipelines: {traces: {receivers: [otlp], exporters: [nop]}}}
"""


def test_print_config_shows_no_secret(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG % "basicauth")
    done = spantoll_verb("print-config", "--config", str(path))
    assert done.returncode == 0 and "[REDACTED]" in done.stdout and "name: shop" in done.stdout
    assert "geheim" not in done.stdout + done.stderr


def test_an_authenticator_that_is_not_there_is_an_error(tmp_path, spantoll):
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG % "basicaut")
    done = spantoll_verb("validate", "--json", "--config", str(path))
    found = [f for f in json.loads(done.stdout)["findings"] if f["severity"] == "error"]
    assert done.returncode == 3
    assert [(f["path"], f["line"]) for f in found] == [("receivers::otlp::protocols::grpc::auth::authenticator", 2)]
    assert 'service::extensions has no "basicaut", did you mean "basicauth"?' in found[0]["text"]
    daemon = spantoll(config=CONFIG % "health_check", wait=False)
    daemon.expect_failure = True
    assert daemon.wait(10) != 0
    assert 'auth::authenticator: "health_check" is of no use here: name an extension of type bearertokenauth, basicauth' in daemon.log
