# SPDX-License-Identifier: Apache-2.0
"""The programs of docs/sdk/*.md, run as their pages say: what the tests run is what people paste.

App("go", directory).start(endpoint, ...) -> an HTTP service on app.port whose spans go to endpoint."""
import fcntl
import os
import pathlib
import re
import shlex
import subprocess
import urllib.request

from env.daemon import ROOT
from env.poll import Fatal, eventually
from env.ports import free_port
from env.process import Process

BUILD = ROOT / "build"
BLOCK = re.compile(r"^```\w+ (file|name)=(\S+)\n(.*?)^```$", re.M | re.S)
# What the page's installation puts beside the program is installed once, by tools/setup.sh.
PREPARE = {
    "python": [],
    "node": [["ln", "-sfn", BUILD / "node/node_modules", "node_modules"]],
    "go": [["cp", ROOT / "tests/env/sdk/go/go.mod", ROOT / "tests/env/sdk/go/go.sum", "."],
           [BUILD / "venv/bin/go", "build", "-o", "checkout", "."]],
    "java": [["ln", "-sfn", BUILD / "java/opentelemetry-javaagent.jar", "."], ["javac", "App.java"]],
}


def blocks(page, kind):
    """{name: text} of the page's code blocks that say ```lang kind=name."""
    found = BLOCK.findall((ROOT / "docs" / page).read_text())
    return {name: text for what, name, text in found if what == kind}


class Page:
    def __init__(self, language):
        self.language = language
        self.files = blocks(f"sdk/{language}.md", "file")
        named = blocks(f"sdk/{language}.md", "name")
        self.env = dict(shlex.split(line)[1].split("=", 1) for line in named["env"].splitlines())
        self.argv = shlex.split(named["run"])

    def build(self):
        """The program, ready to run, made once for all tests of this run."""
        directory = pathlib.Path(os.environ["SPANTOLL_TEST_RUN"]) / "sdk" / self.language
        directory.mkdir(parents=True, exist_ok=True)
        with open(directory / ".lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (directory / ".complete").exists():
                for name, text in self.files.items():
                    (directory / name).write_text(text)
                for step in PREPARE[self.language]:
                    subprocess.run(step, cwd=directory, check=True, timeout=600)
                (directory / ".complete").touch()
        return directory


class App(Process):
    def __init__(self, page, log_path, endpoint, protocol="grpc", gzip=True, tls=None, env=None):
        """tls: {"ca": file, "cert": file, "key": file}; cert and key where the server asks for them."""
        self.port = free_port()
        names = {"ca": "CERTIFICATE", "cert": "CLIENT_CERTIFICATE", "key": "CLIENT_KEY"}
        settings = page.env | {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"{'https' if tls else 'http'}://{endpoint}",
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
            **{f"OTEL_EXPORTER_OTLP_{names[k]}": str(v) for k, v in (tls or {}).items()},
            "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none", "OTEL_BSP_SCHEDULE_DELAY": "100",
            "PORT": str(self.port), **(env or {})}
        if not gzip:
            del settings["OTEL_EXPORTER_OTLP_COMPRESSION"]
        # Python's requests prefers these to what the exporter names.
        inherited = {k: v for k, v in os.environ.items() if k not in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")}
        super().__init__(page.argv, log_path, cwd=page.build(),
                         env={**inherited, **settings, "PATH": f"{BUILD}/venv/bin:{os.environ['PATH']}"})

    def start(self, timeout=60):
        self.spawn()
        eventually(self._listens, timeout, "the program listens")
        return self

    def _listens(self):
        if not self.running():
            raise Fatal(f"the program ended with {self.child.returncode}:\n{self.log[-3000:]}")
        return self.get("/health")

    def get(self, path, feature=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}",
                                         headers={"X-Feature-Context": feature} if feature else {})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status
        except urllib.error.HTTPError as e:
            return e.code
