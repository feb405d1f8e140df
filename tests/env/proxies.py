# SPDX-License-Identifier: Apache-2.0
"""A real HAProxy and a real nginx, configured by the examples that we hand out, and the service behind them."""
import http.client
import http.server
import os
import pathlib
import shutil
import threading

from env.poll import Fatal, eventually
from env.ports import free_port
from env.process import Process

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples/mesh"
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"


class Answer:
    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()


def ask(port, method="GET", path="/", body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        return Answer(connection.getresponse())
    finally:
        connection.close()


class QuietServer(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A proxy has ended a connection that it kept."""


class Service:
    """Answers 200 with what it was sent."""

    def __init__(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET

            def log_message(self, *args):
                pass

        self.server = QuietServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Proxy(Process):
    """An example on other ports: of spantoll (8080; admin: its endpoint), of the service (8000), its own (8090)."""

    def __init__(self, directory, example, admin, service):
        self.dir = pathlib.Path(directory)
        self.dir.mkdir(parents=True)
        self.port = free_port()
        text = (EXAMPLES / example).read_text()
        for ours, theirs in {"127.0.0.1:8080": admin, "127.0.0.1:8000": f"127.0.0.1:{service}"}.items():
            assert ours in text, f"{example} does not name {ours}"
            text = text.replace(ours, theirs)
        text = text.replace("50ms", "2s")  # on a busy machine; a time-out lets requests pass
        self.path = self.dir / example
        self.path.write_text(self.local(text))
        super().__init__(self.command(), self.dir / "log", env={**os.environ, "PATH": PATH})

    def local(self, text):
        raise NotImplementedError

    def start(self):
        self.spawn()
        eventually(self._answers, 20, f"{self.argv[0]} answers")
        return self

    def _answers(self):
        if not self.running():
            raise Fatal(f"{self.argv[0]} ended: {self.log[-2000:]}")
        try:
            return ask(self.port).status
        except OSError:
            return False


class HAProxy(Proxy):
    def __init__(self, directory, admin, service):
        super().__init__(directory, "haproxy.cfg", admin, service)

    def local(self, text):
        return text.replace("bind :8090", f"bind 127.0.0.1:{self.port}").replace("/etc/haproxy", str(EXAMPLES))

    def command(self):
        return [shutil.which("haproxy", path=PATH), "-db", "-f", self.path]


class Nginx(Proxy):
    def __init__(self, directory, admin, service, example="nginx.conf"):
        super().__init__(directory, example, admin, service)

    def local(self, text):
        # One process, which ends with the test whatever happens: workers would outlive a killed master.
        here = f"pid {self.dir}/pid;\nerror_log {self.dir}/log;\ndaemon off;\nmaster_process off;\nevents"
        temporary = "".join(f"    {name}_temp_path {self.dir}/{name};\n"
                            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        return (text.replace("listen 8090", f"listen 127.0.0.1:{self.port}").replace("/etc/nginx", str(EXAMPLES))
                .replace("user www-data;\n", "user root;\n" if os.geteuid() == 0 else "").replace("events", here, 1).replace("http {\n", f"http {{\n    access_log off;\n{temporary}", 1))

    def command(self):
        return [shutil.which("nginx", path=PATH), "-e", self.dir / "log", "-c", self.path]
