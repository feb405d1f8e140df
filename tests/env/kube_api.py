# SPDX-License-Identifier: Apache-2.0
"""A stand-in for the Kubernetes API server that knows pods: lists in pages, watches, bearer tokens, HTTPS.

It answers as the documentation of the API says; what it cannot do is be wrong in a real server's way."""
import http.server
import json
import queue
import ssl
import threading
import time
import urllib.parse


def pod(name, ip, uid=None, namespace="shop", owner=("ReplicaSet", None), node="node-1", more=(), **meta):
    """more: addresses of the other family."""
    kind, owner_name = owner
    owners = [{"kind": kind, "name": owner_name or name.rsplit("-", 1)[0], "uid": "owner-of-" + name}]
    return {"metadata": {"name": name, "namespace": namespace, "uid": uid or "uid-" + name, "ownerReferences": owners, **meta},
            "spec": {"nodeName": node}, "status": {"phase": "Running", "podIP": ip, "podIPs": [{"ip": i} for i in (ip, *more)],
                                               "startTime": "2026-01-01T00:00:00Z"}}


class KubeApi:
    """KubeApi(certificate pair).pods is what a list answers; tell() is seen by watches."""

    def __init__(self, pair, token="let-me-in", page=2):
        self.pods, self.token, self.page = [], token, page
        self.requests, self.version, self._watches, self._lock = [], 100, [], threading.Lock()
        self.watch_status, self.watched_at = None, []  # a status: every watch gets it, and its end, at once
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                api.answer(self)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.cert, pair.key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"https://127.0.0.1:{self.server.server_address[1]}"

    def tell(self, what, about):
        """An event for all watches: ADDED, MODIFIED, DELETED, ERROR."""
        with self._lock:
            self.version += 1
            if what != "ERROR":
                about["metadata"]["resourceVersion"] = str(self.version)
            for watch in self._watches:
                watch.put({"type": what, "object": about})

    def end_watches(self):
        with self._lock:
            for watch in self._watches:
                watch.put(None)

    def watching(self):
        return len(self._watches)

    def close(self):
        self.end_watches()
        self.server.shutdown()
        self.server.server_close()

    # ---- answers ----

    def answer(self, handler):
        url = urllib.parse.urlsplit(handler.path)
        asked = {k: v[0] for k, v in urllib.parse.parse_qs(url.query).items()}
        self.requests.append((url.path, asked, handler.headers.get("Authorization")))
        if handler.headers.get("Authorization") != f"Bearer {self.token}":
            self.send(handler, 401, {"kind": "Status", "code": 401, "message": "Unauthorized"})
        elif asked.get("watch"):
            self.watched_at.append(time.monotonic())
            if self.watch_status:
                self.send(handler, self.watch_status, {})
            else:
                self.watch(handler)
        else:
            self.list(handler, asked)

    def list(self, handler, asked):
        node = asked.get("fieldSelector", "").removeprefix("spec.nodeName=")
        chosen = [p for p in self.pods if not node or p["spec"]["nodeName"] == node]
        first = int(asked.get("continue", "0"))
        end = first + min(self.page, int(asked["limit"]))
        meta = {"resourceVersion": str(self.version)} | ({"continue": str(end)} if end < len(chosen) else {})
        self.send(handler, 200, {"kind": "PodList", "metadata": meta, "items": chosen[first:end]})

    def watch(self, handler):
        events = queue.Queue()
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        with self._lock:
            self._watches.append(events)
        while (event := events.get()) is not None:
            line = json.dumps(event).encode() + b"\n"
            half = len(line) // 2  # lines do not come in chunks of their own
            for part in (line[:half], line[half:]):
                handler.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            handler.wfile.flush()
        with self._lock:
            self._watches.remove(events)
        handler.wfile.write(b"0\r\n\r\n")

    @staticmethod
    def send(handler, status, body):
        text = json.dumps(body).encode()
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text)
