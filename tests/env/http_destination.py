# SPDX-License-Identifier: Apache-2.0
"""An OTLP/HTTP destination that answers as a test says.

HttpDestination().start()  keeps every request it has answered with 200 in .taken
.answers                    what comes next: a list of Answer, or functions of the request; then 200 again"""
import dataclasses
import gzip
import http.server
import threading

from google.rpc import status_pb2

from env import otlp
from env.destination import ids_of
from env.ports import free_port
from env.random_otlp import parse_otlp_json


@dataclasses.dataclass
class Answer:
    status: int
    body: bytes = b""
    headers: dict = dataclasses.field(default_factory=dict)
    cut: bool = False  # the connection ends in the middle of the body


def refusal(status, message, **headers):
    """With google.rpc.Status as the body, as OTLP wants it."""
    return Answer(status, status_pb2.Status(code=3, message=message).SerializeToString(),
                  {"content-type": "application/x-protobuf"} | headers)


def partial(rejected, message):
    response = otlp.Response()
    response.partial_success.rejected_spans = rejected
    response.partial_success.error_message = message
    return Answer(200, response.SerializeToString(), {"content-type": "application/x-protobuf"})


class HttpDestination:
    def __init__(self, max_body=None, tls=None):
        self.port = free_port()
        self.taken, self.headers, self.paths, self.answers = [], [], [], []
        self.always = None  # a function of the request for every call, when answers are used up
        self.calls = self.connections = 0
        self._max, self._tls, self._lock, self._server, self._open = max_body, tls, threading.Lock(), None, set()

    @property
    def url(self):
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def ids(self):
        with self._lock:
            return ids_of(self.taken)

    def start(self):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                super().setup()
                with outer._lock:
                    outer.connections += 1
                    outer._open.add(self.connection)

            def do_POST(self):
                outer._answer(self)

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads, block_on_close, request_queue_size = True, False, 128

            def handle_error(self, request, client_address):
                pass  # the client has left

        self._server = Server(("127.0.0.1", self.port), Handler)
        if self._tls:
            self._server.socket = self._tls.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self):
        """Connections end too."""
        if not self._server:
            return
        self._server.shutdown()
        self._server.server_close()
        self._server = None
        with self._lock:
            open_now, self._open = self._open, set()
        for s in open_now:
            try:
                s.shutdown(2)
            except OSError:
                pass  # it has ended by itself

    def _parse(self, handler, body):
        if handler.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        if handler.headers["content-type"] == "application/json":
            return parse_otlp_json(body)
        return otlp.Request.FromString(body)

    def _answer(self, handler):
        size = int(handler.headers["content-length"])
        body = handler.rfile.read(size)
        request = self._parse(handler, body)
        with self._lock:
            self.calls += 1
            self.headers.append({k.lower(): v for k, v in handler.headers.items()})
            self.paths.append(handler.path)
            answer = self.answers.pop(0) if self.answers else self.always or Answer(200)
        if self._max and request.ByteSize() > self._max:
            answer = Answer(413, b"too much")
        if callable(answer):
            answer = answer(request) or Answer(200)
        if 200 <= answer.status < 300:
            with self._lock:
                self.taken.append(request)
        self._send(handler, answer)

    def _send(self, handler, answer):
        if answer.status == 0:  # no answer at all
            handler.close_connection = True
            return
        handler.send_response(answer.status)
        for name, value in answer.headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("content-length", str(len(answer.body) + (10 if answer.cut else 0)))
        handler.end_headers()
        handler.wfile.write(answer.body)
        handler.close_connection = answer.cut


NO_ANSWER = Answer(0)
