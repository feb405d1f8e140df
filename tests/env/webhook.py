# SPDX-License-Identifier: Apache-2.0
"""The far end of a webhook, answering as a test says.

hook = Webhook().start()   hook.calls: every request; hook.taken: those answered with 200
hook.answers               what comes next: Answer(status, headers, wait); then 200 again"""
import dataclasses
import http.server
import json
import threading
import time


@dataclasses.dataclass
class Answer:
    status: int = 200
    headers: dict = dataclasses.field(default_factory=dict)
    wait: float = 0  # seconds before it
    body: bytes = b"ok"


@dataclasses.dataclass
class Call:
    at: float  # time.monotonic()
    path: str
    headers: dict
    body: dict


class Webhook:
    def __init__(self):
        self.calls, self.taken, self.answers = [], [], []
        self._lock, self._stopping = threading.Lock(), threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                outer._answer(self)

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads, block_on_close = True, False

            def handle_error(self, request, client_address):
                pass  # the client has left

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def start(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def stop(self):
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, request):
        body = json.loads(request.rfile.read(int(request.headers["Content-Length"])))
        call = Call(time.monotonic(), request.path, {k.lower(): v for k, v in request.headers.items()}, body)
        with self._lock:
            self.calls.append(call)
            answer = self.answers.pop(0) if self.answers else Answer()
        self._stopping.wait(answer.wait)
        request.send_response(answer.status)
        for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(answer.body)
        if answer.status == 200:
            with self._lock:
                self.taken.append(call)

    @property
    def events(self):
        """(what, subject) of the events that were taken, in order."""
        with self._lock:
            return [(c.body["what"], c.body.get("subject")) for c in self.taken]
