# SPDX-License-Identifier: Apache-2.0
"""The real daemon on free ports, and how a test writes its configuration.

Daemon(dir, exporters={"debug": {}}) writes a complete file around what the test names: an otlp receiver,
health_check and metrics on free ports, one pipeline "traces" with the processors and exporters in order.
Daemon(dir, config="...YAML...") takes the text as it is, with @GRPC@ @HTTP@ @HEALTH@ @METRICS@ (host:port) and
@METRICS_PORT@ replaced."""
import copy
import json
import os
import pathlib
import re
import signal
import urllib.error
import urllib.request

import yaml

from env.otlp import Client
from env.otlp_http import HttpClient
from env.poll import Fatal, eventually
from env.ports import free_port
from env.process import Process
from env.prometheus import Metrics

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("SPANTOLL", ROOT / "build/release/bin/spantoll")).absolute()
# What a sanitizer prints when it has found something.
FOUND = re.compile(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:|Assertion .* failed|SUMMARY: ")


def http_get(url, timeout=30):
    """(status, text); an error status is an answer too."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as r:
            return r.status, r.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode()


class Daemon(Process):
    def __init__(self, directory, *, receivers=None, processors=None, exporters=None, extensions=None,
                 connectors=None, pipelines=None, service=None, config=None, verb="run", args=(), env=None):
        self.dir = pathlib.Path(directory)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.grpc_port, self.health_port, self.metrics_port = free_port(), free_port(), free_port()
        self.http_port = free_port()  # of protocols::http, where a test writes `http`
        self.config_path = self.dir / "config.yaml"
        self.config_path.write_text(self.config_text(receivers, processors, exporters, extensions, connectors,
                                                     pipelines, service, config))
        super().__init__([BINARY, verb, "--config", self.config_path, *args], self.dir / "spantoll.log",
                         env={**os.environ, **(env or {})}, cwd=self.dir)
        self._clients = []

    # ---- addresses ----

    @property
    def grpc(self):
        return f"127.0.0.1:{self.grpc_port}"

    @property
    def http(self):
        return f"127.0.0.1:{self.http_port}"

    @property
    def health_url(self):
        return f"http://127.0.0.1:{self.health_port}"

    @property
    def metrics_url(self):
        return f"http://127.0.0.1:{self.metrics_port}/metrics"

    # ---- life ----

    def start(self, wait=True, timeout=20):
        self.spawn()
        if wait:
            self.wait_ready(timeout)
        return self

    def wait_ready(self, timeout=20):
        eventually(self.ready, timeout, "the daemon is ready")

    def ready(self):
        if not self.running():
            raise Fatal(f"the daemon ended with {self.child.returncode}:\n{self.log[-4000:]}")
        return http_get(self.health_url + "/")[0] == 200

    def restart(self, kill=False):
        self.kill() if kill else self.stop()
        return self.start()

    def close(self):
        """Teardown: ends everything; what a sanitizer found is a failure."""
        for client in self._clients:
            client.close()
        died = self.child is not None and not self.running() and self.child.returncode not in (0, -9, -15)
        self.kill()
        found = FOUND.search(self.log)
        if found:
            raise AssertionError(f"in the daemon's log: {self.log[found.start():][:6000]}")
        if died and not self.expect_failure:
            raise AssertionError(f"the daemon ended with {self.child.returncode}:\n{self.log[-4000:]}")

    expect_failure = False  # a test that wants a start to fail sets this

    # ---- reload ----

    def reloads(self, outcome="success"):
        return self.metric("spantoll_config_reloads", outcome=outcome)

    def reload(self, *, outcome="success", timeout=20, **how):
        """Writes another configuration (the arguments of Daemon; none: the file as it is) and waits for SIGHUP's
        outcome."""
        if how:
            self.config_path.write_text(self.config_text(**how))
        before = self.reloads(outcome)
        self.child.send_signal(signal.SIGHUP)
        eventually(lambda: self.reloads(outcome) > before, timeout, f"a reload ends with {outcome}")

    # ---- what it says and does ----

    @property
    def client(self):
        """One OTLP client, made at first use."""
        if not self._clients:
            self._clients.append(Client(self.grpc))
        return self._clients[0]

    def new_client(self, options=(), tls=None):
        self._clients.append(Client(self.grpc, options, tls))
        return self._clients[-1]

    def export(self, body, **kw):
        return self.client.export(body, **kw)

    def post(self, body, tls=None, **kw):
        """OTLP/HTTP, on a connection of its own."""
        with HttpClient(self.http_port, tls=tls) as client:
            return client.post(body, **kw)

    def metrics(self):
        status, text = http_get(self.metrics_url)
        assert status == 200, f"/metrics answers {status}: {text[:300]}"
        return Metrics(text)

    def metric(self, name, **labels):
        """A sum of samples; 0 where there is none."""
        return self.metrics().value(name, **labels)

    def wait_metric(self, name, want, timeout=20, **labels):
        """Until the counter has reached want."""
        eventually(lambda: self.metric(name, **labels) >= want, timeout, f"{name}{labels or ''} >= {want}")

    def status(self):
        """/status of health_check, as JSON."""
        return json.loads(http_get(self.health_url + "/status")[1])

    def wait_log(self, pattern, timeout=20):
        """The first match of a regular expression in the log."""
        return eventually(lambda: re.search(pattern, self.log), timeout, f"log has /{pattern}/")

    # ---- configuration ----

    def config_text(self, receivers=None, processors=None, exporters=None, extensions=None, connectors=None,
                    pipelines=None, service=None, config=None):
        if config is None:
            config = self._around(receivers, processors, exporters, extensions, connectors, pipelines, service)
        return self._fill(config if isinstance(config, str) else yaml.safe_dump(config, sort_keys=False))

    def _around(self, receivers, processors, exporters, extensions, connectors, pipelines, service):
        receivers = copy.deepcopy(receivers) or {"otlp": {}}
        for name, settings in receivers.items():
            if name.split("/")[0] == "otlp":
                grpc = receivers[name] = settings or {}
                grpc.setdefault("protocols", {}).setdefault("grpc", {}).setdefault("endpoint", "@GRPC@")
                if "http" in grpc["protocols"]:
                    http = grpc["protocols"]["http"] = grpc["protocols"]["http"] or {}
                    http.setdefault("endpoint", "@HTTP@")
        processors, exporters = processors or {}, exporters or {"nop": {}}
        extensions = {"health_check": {"endpoint": "@HEALTH@"}} | (extensions or {})
        if pipelines is None:
            pipelines = {"traces": {"receivers": list(receivers), "processors": list(processors),
                                    "exporters": list(exporters)}}
        prometheus = {"host": "127.0.0.1", "port": "@METRICS_PORT@", "without_type_suffix": True}
        telemetry = {"metrics": {"readers": [{"pull": {"exporter": {"prometheus": prometheus}}}]}}
        out = {"receivers": receivers, "processors": processors, "exporters": exporters,
               "extensions": extensions, "connectors": connectors,
               "service": {"extensions": list(extensions), "pipelines": pipelines, "telemetry": telemetry}
               | (service or {})}
        return {k: v for k, v in out.items() if v}

    def _fill(self, text):
        words = {"'@METRICS_PORT@'": self.metrics_port, "@METRICS_PORT@": self.metrics_port,
                 "@GRPC@": self.grpc, "@HTTP@": self.http, "@HEALTH@": f"127.0.0.1:{self.health_port}",
                 "@METRICS@": f"127.0.0.1:{self.metrics_port}"}
        for word, replacement in words.items():
            text = text.replace(word, str(replacement))
        return text
