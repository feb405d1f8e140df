# SPDX-License-Identifier: Apache-2.0
"""A page in a real Chromium sends spans to a receiver of another origin: with fetch and with OpenTelemetry's SDK for browsers.
Origins that the receiver does not know, the browser keeps from it."""
import json

import pytest

from env.browser import chromium, site
from env.poll import eventually

pytestmark = pytest.mark.full

FETCH = """async ({url, body, headers}) => {
    try { return (await fetch(url, {method: 'POST', body, headers})).status; } catch (e) { return String(e); }
}"""


@pytest.fixture(scope="module")
def origin(tmp_path_factory):
    with site(tmp_path_factory.mktemp("site")) as origin:
        yield origin


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser):
    """Fresh: a browser remembers preflights."""
    with browser.new_context() as context:
        page = context.new_page()
        page.set_default_timeout(180_000)
        yield page


@pytest.fixture
def start(spantoll):
    def start(**cors):
        daemon = spantoll(receivers={"otlp": {"protocols": {"http": {"cors": cors} if cors else {}}}},
                          exporters={"file": {"path": "spans.jsonl"}})
        daemon.traces = f"http://{daemon.http}/v1/traces"
        return daemon
    return start


def names(daemon):
    lines = [json.loads(line) for line in (daemon.dir / "spans.jsonl").read_text().splitlines()]
    return [s["name"] for line in lines for r in line["resourceSpans"] for scope in r["scopeSpans"] for s in scope["spans"]]


def arrives(daemon, name):
    eventually(lambda: name in names(daemon), 10, f"span {name}")


def span(name):
    one = {"traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331", "name": name, "kind": 2,
           "startTimeUnixNano": "1767225600000000000", "endTimeUnixNano": "1767225600010000000"}
    return json.dumps({"resourceSpans": [{"resource": {}, "scopeSpans": [{"scope": {}, "spans": [one]}]}]})


def fetch(page, daemon, name, **headers):
    """The status that the page sees, or the browser's word."""
    return page.evaluate(FETCH, {"url": daemon.traces, "body": span(name),
                                 "headers": {"Content-Type": "application/json", **headers}})


def test_fetch_from_an_allowed_origin_arrives(start, page, origin):
    daemon = start(allowed_origins=[origin], allowed_headers=["X-Feature-Context"])
    page.goto(origin)
    assert fetch(page, daemon, "plain") == 200
    assert fetch(page, daemon, "with-header", **{"X-Feature-Context": "checkout"}) == 200
    arrives(daemon, "plain")
    arrives(daemon, "with-header")


def test_the_sdk_of_a_page_arrives(start, page, origin):
    daemon = start(allowed_origins=["http://127.0.0.1:*"], allowed_headers=["*"])
    page.goto(f"{origin}/sdk.html?to={daemon.traces}")
    page.wait_for_function("window.outcome")
    assert page.evaluate("window.outcome") == "sent"
    arrives(daemon, "sdk")


@pytest.mark.parametrize("cors", [{}, {"allowed_origins": ["http://shop.example"]}], ids=["no cors", "another origin"])
def test_the_browser_keeps_other_origins_out(start, page, origin, cors):
    daemon = start(**cors)
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(origin)
    assert "Failed to fetch" in fetch(page, daemon, "refused")
    eventually(lambda: page.evaluate("0") == 0 and any("blocked by CORS policy" in text for text in said), 10, "the browser says why")
    page.goto(f"{origin}/sdk.html?to={daemon.traces}")
    page.wait_for_function("window.outcome")
    assert page.evaluate("window.outcome") != "sent"
    assert names(daemon) == []


def test_a_header_that_is_not_allowed_is_kept_back(start, page, origin):
    daemon = start(allowed_origins=[origin])
    page.goto(origin)
    assert "Failed to fetch" in fetch(page, daemon, "refused", **{"X-Secret": "1"})
    assert fetch(page, daemon, "plain") == 200
    arrives(daemon, "plain")
    assert names(daemon) == ["plain"]
