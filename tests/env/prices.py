# SPDX-License-Identifier: Apache-2.0
"""Price documents, and a pricing service whose answers a test decides."""
import http.server
import json
import threading
from decimal import Decimal

from env.ports import free_port


def book(prices):
    """{"checkout:/pay": "0.002", ...} (dollars per ms; None: free) as the price document's text.

    Prices given as text keep their digits: no float in between."""
    entries = []
    for key, price in prices.items():
        service, operation = key.split(":", 1)
        number = "null" if price is None else f"{Decimal(str(price)):f}"
        entries.append(f'{json.dumps(key)}: {{"service": {json.dumps(service)}, '
                       f'"operation": {json.dumps(operation)}, "cost_per_ms": {number}}}')
    return "{\n  " + ",\n  ".join(entries) + "\n}\n"


class PriceServer:
    """GET anything: status and body as set; requests counts them; hang() lets clients wait.

    etag: sent, and answered with 304 when a client has it (unchanged counts those). misbehave(handler): answers instead."""

    def __init__(self, prices):
        self.status, self.body, self.requests = 200, book(prices), 0
        self.etag, self.unchanged, self.misbehave = None, 0, None
        self._go = threading.Event()
        self._go.set()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.requests += 1
                outer._go.wait()
                if outer.misbehave:
                    self.close_connection = True
                    outer.misbehave(self)
                    return
                if outer.etag and self.headers.get("if-none-match") == outer.etag:
                    outer.unchanged += 1
                    self.send_response(304)
                    self.send_header("etag", outer.etag)
                    self.end_headers()
                    return
                raw = outer.body if isinstance(outer.body, bytes) else outer.body.encode()
                self.send_response(outer.status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(raw)))
                if outer.etag:
                    self.send_header("etag", outer.etag)
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *args):
                pass

        self.port = free_port()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/v1/current"

    def set(self, prices, etag=None):
        self.body, self.etag = book(prices), etag

    def hang(self):
        self._go.clear()

    def go(self):
        self._go.set()

    def close(self):
        self.go()
        self._server.shutdown()
        self._server.server_close()
