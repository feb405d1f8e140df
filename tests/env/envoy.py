# SPDX-License-Identifier: Apache-2.0
"""A real Envoy in front of a service, configured by the examples that we hand out.

with_ports(read(path), {10000: 21234}) is an example on other ports; Envoy(dir, config).start() runs it;
Service() is what it protects."""
import http.client
import http.server
import pathlib
import subprocess
import threading

import envoy
import yaml

from env.poll import Fatal, eventually
from env.ports import free_port
from env.process import Process

BINARY = pathlib.Path(envoy.__file__).parent / "_bin/envoy"
EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples/mesh"


def read(name):
    return yaml.safe_load((EXAMPLES / name).read_text())


def changed(node, change):
    """The same tree with change(key, value) for every scalar."""
    def walk(key, node):
        if isinstance(node, dict):
            return {k: walk(k, v) for k, v in node.items()}
        if isinstance(node, list):
            return [walk(key, v) for v in node]
        return change(key, node)
    return walk(None, node)


def with_ports(config, ports, timeout="2s"):
    """On other ports, and with time for a busy machine: a time-out lets requests pass."""
    def change(key, value):
        if key == "port_value":
            return ports.get(value, value)
        if key == "inline_string":
            return value.replace("timeout_ms = 50", f"timeout_ms = {round(float(timeout[:-1]) * 1000)}")
        return timeout if key == "timeout" else value
    return changed(config, change)


def accepts(config, directory):
    """What Envoy says against a configuration; "" when nothing."""
    path = pathlib.Path(directory) / "validate.yaml"
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    done = subprocess.run([BINARY, "--mode", "validate", "--log-level", "error", "-c", path], capture_output=True,
                          text=True, timeout=120)
    return "" if done.returncode == 0 else done.stderr


class Answer:
    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()


def get(port, path="/", headers=None, timeout=30):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", path, headers=headers or {})
        return Answer(connection.getresponse())
    finally:
        connection.close()


class Service:
    """An HTTP service that answers 200 to everything and counts."""

    def __init__(self):
        service = self
        self.requests = 0

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                service.requests += 1
                self.send_response(200)
                self.send_header("content-length", "3")
                self.end_headers()
                self.wfile.write(b"ok\n")

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Envoy(Process):
    def __init__(self, directory, config, options=()):
        self.dir = pathlib.Path(directory)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.admin_port = free_port()
        config = with_ports(config, {9901: self.admin_port}) if "admin" in config else config
        (self.dir / "envoy.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
        super().__init__([BINARY, "-c", self.dir / "envoy.yaml", "--concurrency", 1, "--disable-hot-restart",
                          "--log-level", "warning", *options], self.dir / "envoy.log")

    def start(self):
        self.spawn()
        eventually(self._ready, 20, "Envoy is ready")
        return self

    def _ready(self):
        if not self.running():
            raise Fatal(f"Envoy ended: {self.log[-2000:]}")
        return get(self.admin_port, "/ready").status == 200

    def stat(self, name):
        """A counter or gauge of its own."""
        text = get(self.admin_port, f"/stats?filter=^{name}$").body.decode()
        return int(text.rsplit(":", 1)[1]) if ":" in text else 0
