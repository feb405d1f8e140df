# SPDX-License-Identifier: Apache-2.0
"""A wire that swallows answers: the request has arrived and is done, the client sees its connection end."""
import random

from env.wire import Proxy

HEADERS, END_STREAM = 1, 1


class Grpc:
    """Finds answers, the trailers of a call, in what an HTTP/2 server sends."""

    def __init__(self):
        self._rest = b""

    def has_answer(self, data):
        self._rest += data
        while len(self._rest) >= 9:
            length, kind, flags = int.from_bytes(self._rest[:3], "big"), self._rest[3], self._rest[4]
            if len(self._rest) < 9 + length:
                return False
            self._rest = self._rest[9 + length:]
            if kind == HEADERS and flags & END_STREAM:
                return True
        return False


class Http:
    def has_answer(self, data):
        return data.startswith(b"HTTP/1.1 ")


class Cutter(Proxy):
    """share: of the answers that never arrive, for they cut their connection."""

    def __init__(self, port, protocol, share=0.2, seed=1):
        self.protocol, self.share, self.cut, self.passed = protocol, share, 0, 0
        self._dice = random.Random(seed)
        super().__init__(port)

    def opened(self, here, there):
        answers = self.protocol()
        return super().opened(here, there)[0], lambda data: not self._swallows(answers, data)

    def _swallows(self, answers, data):
        if not answers.has_answer(data):
            return False
        if self._dice.random() < self.share:
            self.cut += 1
            return True
        self.passed += 1
        return False
