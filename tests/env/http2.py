# SPDX-License-Identifier: Apache-2.0
"""One HTTP/2 connection whose frames a test writes itself: what no gRPC client library would send."""
import socket
import struct

from env.otlp import EXPORT

DATA, HEADERS, SETTINGS, WINDOW_UPDATE = 0, 1, 4, 8
END_STREAM, ACK, END_HEADERS = 1, 1, 4
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
INITIAL_WINDOW_SIZE = 4


def frame(kind, flags, stream, body=b""):
    return struct.pack(">I", len(body))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + body


def literal(name, value):
    """A header, never indexed, not Huffman-coded."""
    name, value = name.encode(), value.encode()
    assert len(name) < 127 and len(value) < 127
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


class Connection:
    """Keeps to the server's flow control; everything else is up to the test. Streams are 1, 3, 5, ..."""

    def __init__(self, port, timeout=60):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.seen = b""
        self.ended = False
        self.initial = 65535
        self.windows = {0: 65535}
        self._rest = b""
        self.socket.sendall(PREFACE + frame(SETTINGS, 0, 0))

    def headers(self, stream=1, path=EXPORT, content_type="application/grpc", encoding=None):
        head = [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "test"),
                ("te", "trailers"), ("content-type", content_type)]
        if encoding:
            head.append(("grpc-encoding", encoding))
        self.windows[stream] = self.initial
        self.socket.sendall(frame(HEADERS, END_HEADERS, stream, b"".join(literal(*h) for h in head)))

    def data(self, payload, stream=1, end=True):
        """Sends as the windows allow; False when the server answered or left before it had all."""
        at = 0
        while at < len(payload) or not payload:
            n = min(16384, self.windows[0], self.windows[stream], len(payload) - at)
            if n <= 0 and payload:
                if self.ended or not self._receive():
                    return False
                continue
            last = at + n == len(payload)
            self.socket.sendall(frame(DATA, END_STREAM if end and last else 0, stream, payload[at:at + n]))
            self.windows[0] -= n
            self.windows[stream] -= n
            at += n
            if last:
                return True
        return True

    def message(self, body, flag=0, stream=1):
        """A whole gRPC message; flag 1: compressed."""
        return self.data(bytes([flag]) + struct.pack(">I", len(body)) + body, stream)

    def status(self):
        """grpc-status of the first answer, as text; None when the connection ends without one."""
        name = b"grpc-status"
        while name not in self.seen and self._receive():
            pass
        at = self.seen.find(name)
        if at < 0:
            return None
        at += len(name)
        return self.seen[at + 1:at + 1 + self.seen[at]].decode()

    def _receive(self):
        more = self.socket.recv(65536)
        self.seen += more
        self._rest += more
        while len(self._rest) >= 9:
            size = int.from_bytes(self._rest[:3], "big")
            if len(self._rest) < 9 + size:
                break
            self._handle(self._rest[3], self._rest[4], int.from_bytes(self._rest[5:9], "big"), self._rest[9:9 + size])
            self._rest = self._rest[9 + size:]
        return bool(more)

    def _handle(self, kind, flags, stream, body):
        if kind == WINDOW_UPDATE:
            self.windows[stream] = self.windows.get(stream, self.initial) + int.from_bytes(body, "big")
        elif kind == SETTINGS and not flags & ACK:
            for at in range(0, len(body), 6):
                name, value = struct.unpack(">HI", body[at:at + 6])
                if name == INITIAL_WINDOW_SIZE:
                    for s in self.windows:
                        if s:
                            self.windows[s] += value - self.initial
                    self.initial = value
            self.socket.sendall(frame(SETTINGS, ACK, 0))
        elif kind == HEADERS and b"grpc-status" in body:
            self.ended = True

    def close(self):
        self.socket.close()
