# SPDX-License-Identifier: Apache-2.0
"""The programs of docs/sdk/ work as written: every request becomes a priced span with its feature, whatever
the protocol, the compression and the encryption. `make test` runs rows that hold every pair of choices,
`make test-full` all of them."""
import itertools
import json
import os
import shlex
import subprocess

import pytest

from env.certificates import Authority
from env.daemon import ROOT
from env.poll import eventually
from env.sdk_app import BUILD, App, Page, blocks

HTTP = "http/protobuf"
PROTOCOLS = {"python": ["grpc", HTTP], "go": ["grpc", HTTP], "java": ["grpc", HTTP], "node": ["grpc", HTTP, "http/json"]}
SECURITY = ["plaintext", "tls", "mtls"]
EVERY = [(language, protocol, gzip, security) for language, protocols in PROTOCOLS.items()
         for protocol, gzip, security in itertools.product(protocols, [False, True], SECURITY)]
REQUESTS = 5


def pairs(row):
    return set(itertools.combinations(enumerate(row), 2))


def pairwise(rows):
    """The fewest rows that this greedy choice needs to show every pair of choices of all rows."""
    chosen, open_pairs = [], set().union(*map(pairs, rows))
    while open_pairs:
        best = max(rows, key=lambda row: len(pairs(row) & open_pairs))
        chosen.append(best)
        open_pairs -= pairs(best)
    return chosen


SHORT = pairwise(EVERY)
ROWS = [pytest.param(*row, id="-".join([row[0], row[1], "gzip" if row[2] else "identity", row[3]]),
                     marks=[] if row in SHORT else [pytest.mark.full]) for row in EVERY]


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def start(spantoll, prices, ca):
    def start(security="plaintext"):
        protocol = {}
        if security != "plaintext":
            pair = ca.issue("server")
            protocol["tls"] = {"cert_file": str(pair.cert), "key_file": str(pair.key)}
        if security == "mtls":
            protocol["tls"]["client_ca_file"] = str(ca.cert)
        book = prices({"checkout:*": "0.000001"})
        return spantoll(receivers={"otlp": {"protocols": {"grpc": dict(protocol), "http": dict(protocol)}}},
                        processors={"hash_path": {}, "pricing": {"file": book}, "cost": {}},
                        exporters={"file": {"path": "spans.jsonl", "encoding": "json"}})
    return start


def client_tls(ca, security):
    """What the program is told, in the words of env.sdk_app.App."""
    if security == "plaintext":
        return None
    pair = ca.issue("client")
    return {"ca": ca.cert} | ({"cert": pair.cert, "key": pair.key} if security == "mtls" else {})


def records(daemon):
    file = daemon.dir / "spans.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


@pytest.mark.parametrize("language, protocol, gzip, security", ROWS)
def test_every_request_is_a_span_with_its_feature(start, ca, tmp_path, language, protocol, gzip, security):
    daemon = start(security)
    address = daemon.grpc if protocol == "grpc" else daemon.http
    app = App(Page(language), tmp_path / "app.log", address, protocol, gzip, client_tls(ca, security)).start()
    try:
        for n in range(REQUESTS):
            assert app.get(f"/checkout/{n}", feature="one-click") == 200
        mine = eventually(lambda: len(found := [r for r in records(daemon) if r.get("feature") == "one-click"]) >= REQUESTS
                          and found, 30, f"{REQUESTS} spans of the feature; the program says:\n{app.log[-2000:]}")
    finally:
        app.kill()
    assert len(mine) == REQUESTS == len({r["trace_id"] for r in mine})
    assert {r["service"] for r in mine} == {"checkout"} and {r["commit"] for r in mine} == {"1.4.2"}


def run_line(name, **addresses):
    """A line of docs/sdk/README.md with the daemon's addresses in place of the default ports."""
    argv = shlex.split(blocks("sdk/README.md", "name")[name])
    for port, address in addresses.items():
        argv = [a.replace(f"localhost:{port[1:]}", address) for a in argv]
    return subprocess.run(argv, cwd=ROOT, env={**os.environ, "PATH": f"{BUILD}/go:{os.environ['PATH']}"},
                          capture_output=True, text=True, timeout=300, check=True)


def test_grpcurl_sees_that_it_serves(start):
    daemon = start()
    assert json.loads(run_line("grpcurl", _4317=daemon.grpc).stdout) == {"status": "SERVING"}


@pytest.mark.parametrize("line", ["telemetrygen", "telemetrygen-http"])
def test_what_telemetrygen_sends_arrives(start, line):
    daemon = start()
    run_line(line, _4317=daemon.grpc, _4318=daemon.http)
    found = eventually(lambda: len(r := records(daemon)) >= 20 and r, 20, "20 spans")
    assert len(found) == 20 and {r["service"] for r in found} == {"checkout"}
