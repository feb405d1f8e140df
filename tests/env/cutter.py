# SPDX-License-Identifier: Apache-2.0
"""A wire that swallows answers: the request has arrived and is done, the client sees its connection end."""
import random
import socket
import threading

from env.ports import free_port

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


class Cutter:
    """A TCP proxy to 127.0.0.1:port. share: of the answers that never arrive, for they cut their connection."""

    def __init__(self, port, protocol, share=0.2, seed=1):
        self.target, self.protocol, self.share = port, protocol, share
        self.port, self.cut, self.passed = free_port(), 0, 0
        self._dice = random.Random(seed)
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def _accept(self):
        while True:
            try:
                here, _ = self._listener.accept()
            except OSError:
                return
            try:
                there = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                here.close()
                continue
            threading.Thread(target=self._copy, args=(here, there, None), daemon=True).start()
            threading.Thread(target=self._copy, args=(there, here, self.protocol()), daemon=True).start()

    def _swallows(self, answers, data):
        if not answers or not answers.has_answer(data):
            return False
        if self._dice.random() < self.share:
            self.cut += 1
            return True
        self.passed += 1
        return False

    def _copy(self, source, sink, answers):
        try:
            while data := source.recv(65536):
                if self._swallows(answers, data):
                    break
                sink.sendall(data)
        except OSError:
            pass  # one end has left
        for s in (source, sink):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # the other direction was first

    def close(self):
        self._listener.close()
