# SPDX-License-Identifier: Apache-2.0
"""zpages: what runs and how it does, as text, JSON and HTML; the level of the log at run time."""
import html.parser
import json
import re
import urllib.request

import pytest

from env import otlp
from env.daemon import http_get
from env.ports import free_port

pytestmark = pytest.mark.core


def ask(url, method="GET", accept=None):
    request = urllib.request.Request(url, method=method, headers={"Accept": accept} if accept else {})
    with urllib.request.urlopen(request, timeout=60) as r:
        return r.headers, r.read().decode()


class Text(html.parser.HTMLParser):
    """What a browser shows, and the tags around it."""

    def __init__(self, page):
        super().__init__()
        self.text, self.tags = "", []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.text += data


@pytest.fixture
def daemon(spantoll):
    port = free_port()
    made = spantoll(
        processors={"hash_path": {}}, connectors={"forward": {}},
        exporters={"nop": {}, "nop/&lt;b": {}},
        extensions={"zpages": {"endpoint": f"127.0.0.1:{port}", "trace_every": 1}},
        pipelines={"traces": {"receivers": ["otlp"], "processors": ["hash_path"], "exporters": ["nop", "forward"]},
                   "traces/b": {"receivers": ["forward"], "exporters": ["nop/&lt;b"]}})
    made.zpages = f"http://127.0.0.1:{port}/debug"
    return made


def test_spans_per_component(daemon):
    assert daemon.export(otlp.many("a", 7)).ok
    daemon.wait_metric("otelcol_exporter_sent_spans", 14)
    headers, text = ask(daemon.zpages + "/pipelinez")
    assert headers.get_content_type() == "text/plain"
    assert re.search(r"^receiver +otlp +7 +7 +0$", text, re.M)
    assert re.search(r"^processor +hash_path +7 +7 +0  \d+ ns/span$", text, re.M)
    assert re.search(r"^connector +forward +7 +7 +0$", text, re.M)
    assert "pipeline traces: otlp -> hash_path -> nop, forward" in text
    found = {c["id"]: c for c in json.loads(ask(daemon.zpages + "/pipelinez?format=json")[1])["components"]}
    assert found["nop"]["spans_out"] == 7 and found["nop"]["queue_capacity"] == 1000
    assert found["hash_path"]["ns_per_span"] > 0
    assert found["zpages"] == {"kind": "extension", "id": "zpages"}


def test_names_are_no_markup(daemon):
    headers, page = ask(daemon.zpages + "/pipelinez", accept="text/html,application/xhtml+xml")
    assert headers.get_content_type() == "text/html"
    assert headers["Content-Security-Policy"] == "default-src 'none'"
    seen = Text(page)
    assert "nop/&lt;b" in seen.text
    assert "&amp;lt;b" in page


def test_what_processors_did_to_a_span(daemon):
    span = otlp.span("GET\nforged", attrs={"url.path": "/users/123", "other": 1})
    assert daemon.export(otlp.request({"shop": [span]})).ok
    text = ask(daemon.zpages + "/tracez")[1]
    record = next(r for r in text.split("\n\n") if "  traces  " in r)
    assert f"  {span.trace_id.hex()}  shop: GET?forged" in record
    assert re.search(r"^  hash_path  \d+ ns for 1 spans$", record, re.M)
    assert re.search(r"^      ~  url.path = /users/\*$", record, re.M)
    assert "other" not in record and "\nforged" not in text
    for _ in range(40):
        assert daemon.export(otlp.many("a", 1)).ok
    assert len(re.findall(r"^20\d\d-", ask(daemon.zpages + "/tracez")[1], re.M)) == 32


def test_the_other_pages(daemon):
    assert re.search(r"ready +yes", ask(daemon.zpages + "/servicez")[1])
    states = json.loads(ask(daemon.zpages + "/extensionz")[1])
    assert "extension/zpages" in json.dumps(states)
    assert http_get(daemon.zpages + "/nothing")[0] == 404


def test_the_first_page_lists_the_others(daemon):
    root = daemon.zpages.removesuffix("/debug")
    status, text = http_get(root + "/")
    paths = re.findall(r"^/debug/\w+", text, re.M)
    assert status == 200 and "/debug/pipelinez" in paths
    assert {path: http_get(root + path)[0] for path in paths} == dict.fromkeys(paths, 200) | {"/debug/explainz": 400}
    page = http_get(root + "/?format=html")[1]
    assert all(f'<a href="{path}">' in page for path in paths)
    assert http_get(root + "/elsewhere")[0] == 404


def test_the_log_level_changes_at_run_time(daemon):
    assert ask(daemon.zpages + "/logz")[1] == "info\n"
    assert ask(daemon.zpages + "/logz?level=error", method="PUT")[1] == "error\n"
    assert ask(daemon.zpages + "/logz")[1] == "error\n"
    for wrong in ("/logz", "/logz?level=loud"):
        with pytest.raises(urllib.error.HTTPError, match="400"):
            ask(daemon.zpages + wrong, method="PUT")
    with pytest.raises(urllib.error.HTTPError, match="405"):
        ask(daemon.zpages + "/logz?level=debug", method="POST")
    assert ask(daemon.zpages + "/logz")[1] == "error\n"


def test_the_log_in_json(spantoll):
    daemon = spantoll(service={"telemetry": {"logs": {"encoding": "json", "sampling": {"initial": 5}}, "metrics": {
        "level": "none"}}})
    text = daemon.log.splitlines()
    while "warning: " in text[0]:  # findings about the file, before it is known what it wants
        text.pop(0)
    lines = [json.loads(line) for line in text]
    assert {"level", "ts", "component", "msg"} == set(lines[0])
    assert any(line["msg"] == "everything is running" for line in lines)
