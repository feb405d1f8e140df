# SPDX-License-Identifier: Apache-2.0
"""Clients as careful as an SDK, with a ledger of their own: which spans were answered OK, and what they cost.

Every span has its own id. A request that was not answered, or refused for now, is sent again with the very same bytes
until it is OK; so at the end each is either acknowledged or, where patience ran out, unknown."""
import http.client
import itertools
import random
import struct
import threading
import time
from collections import Counter

import grpc

from env import otlp
from env.money import span_cost
from env.otlp_http import HttpClient

# Dollars per ms: every span leaves a rest below a nanodollar.
PRICES = {f"service-{n}": f"0.0000012345{n}7" for n in range(5)}
OPERATION, DURATION_MS = "/cart", 10
PRICE_FILE = {f"{service}:{OPERATION}": price for service, price in PRICES.items()}
QUICK_TO_COME_BACK = [("grpc.initial_reconnect_backoff_ms", 50), ("grpc.min_reconnect_backoff_ms", 50),
                      ("grpc.max_reconnect_backoff_ms", 300)]
RETRYABLE_HTTP = {429, 502, 503, 504}
NO_ANSWER = "no answer"


class GrpcWay:
    def __init__(self, address, deadline_s):
        self.client, self.deadline_s = otlp.Client(address, QUICK_TO_COME_BACK), deadline_s

    def send(self, body):
        """(OK?, may it be tried again?, seconds that the server asks for, what was answered)"""
        answer = self.client.export(body, timeout=self.deadline_s, wait_for_ready=False)
        # Without RetryInfo too: a connection that ends is told so. RESOURCE_EXHAUSTED only with it.
        again = answer.code in otlp.RETRYABLE or (
            answer.code == grpc.StatusCode.RESOURCE_EXHAUSTED and answer.retry_delay is not None)
        whole = answer.ok and answer.rejected == 0
        return whole, again, answer.retry_delay, "OK" if whole else f"{answer.code.name} {answer.reason}"

    def close(self):
        self.client.close()


class HttpWay:
    def __init__(self, port, deadline_s):
        self.client = HttpClient(port, timeout=deadline_s)

    def send(self, body):
        try:
            answer = self.client.post(body)
        except (OSError, http.client.HTTPException):
            self.client.close()
            return False, True, None, NO_ANSWER
        if answer.headers.get("connection") == "close":
            self.client.close()
        whole = answer.ok and answer.rejected == 0
        delay = answer.headers.get("retry-after")
        return (whole, answer.code in RETRYABLE_HTTP, float(delay) if delay else None,
                "OK" if whole else f"{answer.code} {answer.body[:200]!r}")

    def close(self):
        self.client.close()


class Worker(threading.Thread):
    """One client, one request at a time."""

    def __init__(self, number, way, template, rate):
        super().__init__(daemon=True)
        self.number, self.way, self.rate = number, way, rate
        self._body, self._at, self._next = bytearray(template[0]), template[1], number << 48
        self.acknowledged, self.unknown = [], []  # first ids of requests
        self.answers, self.refused_for_good, self.without_delay = Counter(), [], []
        self.slowest_s, self.patience_ends = 0, None

    def run(self):
        begin, size = time.monotonic(), len(self._at)
        for sent in itertools.count():
            ahead = begin + sent * size / self.rate - time.monotonic() if self.rate else 0
            while ahead > 0 and self.patience_ends is None:
                time.sleep(min(ahead, 0.05))
                ahead -= 0.05
            if self.patience_ends is not None:
                break
            self.send_one()
        self.way.close()

    @staticmethod
    def told(what):
        """A refusal that came from the server: it must say when to come again. (A connection that ends says nothing.)"""
        return what.startswith("503") or "queue" in what or "full" in what

    def send_one(self):
        first, self._next = self._next, self._next + len(self._at)
        for n, at in enumerate(self._at):
            struct.pack_into(">Q", self._body, at, first + n)
        body, begin, pause = bytes(self._body), time.monotonic(), 0.05
        while True:
            ok, again, delay, what = self.way.send(body)
            self.answers[what.split(" ")[0] if what != NO_ANSWER else what] += 1
            if ok:
                self.acknowledged.append(first)
                self.slowest_s = max(self.slowest_s, time.monotonic() - begin)
                return
            if not again:
                self.refused_for_good.append(what)
                return
            if delay is None and self.told(what):
                self.without_delay.append(what)
            if self.patience_ends is not None and time.monotonic() > self.patience_ends:
                self.unknown.append(first)
                return
            # What the server asks for, as far as a test has the time.
            time.sleep(min(delay or pause, 1) * random.uniform(0.5, 1))
            pause = min(pause * 2, 0.5)


class Sender:
    """grpc: an address, http: a port; workers clients of each. rate: spans per second of all together, None: as fast
    as they are answered. start() ... stop(), then the ledger."""

    def __init__(self, grpc=None, http=None, size=100, workers=1, rate=None, deadline_s=10):
        request = otlp.request({
            service: [otlp.span("GET /cart", DURATION_MS, {"url.path": OPERATION}) for _ in range(size // len(PRICES))]
            for service in PRICES})
        body = request.SerializeToString()
        template = body, [body.index(s.span_id) for _, s in otlp.spans_of(request)]
        ways = [w for _ in range(workers) for w in (grpc and GrpcWay(grpc, deadline_s), http and HttpWay(http, deadline_s))
                if w]
        self.size = len(template[1])
        self.workers = [Worker(n + 1, way, template, rate and rate / len(ways)) for n, way in enumerate(ways)]

    def start(self):
        for w in self.workers:
            w.start()
        return self

    def send_one(self):
        """Without threads: a request of each client, until it is OK."""
        for w in self.workers:
            w.send_one()

    def stop(self, patience_s=60):
        """No new requests; what is on its way has so long to be acknowledged."""
        for w in self.workers:
            w.patience_ends = time.monotonic() + patience_s
        for w in self.workers:
            w.join(patience_s + 30)
            assert not w.is_alive(), "a client does not come back"
        assert not self.refused_for_good, self.refused_for_good[:3]
        return self

    # ---- the ledger ----

    def _all(self, name):
        return [x for w in self.workers for x in getattr(w, name)]

    def _ids(self, name):
        return {struct.pack(">Q", first + n) for first in self._all(name) for n in range(self.size)}

    @property
    def acknowledged(self):
        """Span ids."""
        return self._ids("acknowledged")

    @property
    def unknown(self):
        return self._ids("unknown")

    @property
    def refused_for_good(self):
        return self._all("refused_for_good")

    @property
    def without_delay(self):
        """Refusals that do not say when to come again."""
        return self._all("without_delay")

    @property
    def acknowledged_spans(self):
        """So far."""
        return sum(len(w.acknowledged) for w in self.workers) * self.size

    @property
    def answers(self):
        return sum((w.answers for w in self.workers), Counter())

    @property
    def slowest_s(self):
        return max(w.slowest_s for w in self.workers)

    def spent(self, what="acknowledged"):
        """{service: dollars}, exact."""
        each = len(self._all(what)) * (self.size // len(PRICES))
        return {service: each * span_cost(price, DURATION_MS * 1_000_000) for service, price in PRICES.items()}
