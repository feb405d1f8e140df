# SPDX-License-Identifier: Apache-2.0
"""Many different spans at a steady rate, cheaply: one encoded request, ids overwritten in place."""
import struct
import threading
import time

from env import otlp


class Load:
    """start(rate) ... stop(): sends requests of `size` spans over `services` services until stopped,
    each again until it is accepted. accepted: span ids (8 bytes) whose request was answered with OK."""

    def __init__(self, daemon, size=500, services=10, attrs=None):
        self.client = daemon.new_client()
        request = otlp.request({
            f"service-{n}": [otlp.span("GET /cart", attrs=attrs or {"url.path": "/cart", "http.request.method": "GET"})
                             for _ in range(size // services)]
            for n in range(services)})
        self._body = bytearray(request.SerializeToString())
        self._at = [self._body.index(s.span_id) for _, s in otlp.spans_of(request)]
        self.size, self._next = len(self._at), 1
        self.accepted, self.gave_up = set(), 0
        self._stop = threading.Event()

    def body(self):
        """Another request: same spans, new ids. (bytes, ids)"""
        ids = [struct.pack(">Q", n) for n in range(self._next, self._next + self.size)]
        self._next += self.size
        for at, new in zip(self._at, ids):
            self._body[at:at + 8] = new
        return bytes(self._body), ids

    def send(self, patience=120):
        body, ids = self.body()
        if self.client.export_until_ok(body, patience).ok:
            self.accepted.update(ids)
        else:
            self.gave_up += len(ids)

    def run(self, rate, seconds):
        """rate spans per second, open loop as far as the daemon answers."""
        start, sent = time.monotonic(), 0
        while (now := time.monotonic() - start) < seconds and not self._stop.is_set():
            if sent > now * rate:
                time.sleep(min(0.01, sent / rate - now))
                continue
            self.send()
            sent += self.size
        return time.monotonic() - start

    def start(self, rate, seconds=3600):
        self._thread = threading.Thread(target=self.run, args=(rate, seconds), daemon=True)
        self._thread.start()
        return self

    def stop(self):
        self._stop.set()
        self._thread.join(150)
        assert not self._thread.is_alive()


def span_ids(messages):
    """Of flat records."""
    return [bytes.fromhex(m.json["span_id"]) for m in messages]
