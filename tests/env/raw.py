# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 frame by frame: requests that no gRPC library would send."""
import dataclasses
import gzip
import socket
import struct
import time
import zlib

import h2.config
import h2.connection
import h2.events

from env.otlp import EXPORT


def message(body, compressed=False):
    """The gRPC frame of one message; compressed only sets the flag."""
    return struct.pack(">BI", int(compressed), len(body)) + body


def gzip_bomb(size):
    """A gzip stream that inflates to size zero bytes; built without holding them."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block, out = bytes(1 << 20), []
    for _ in range(size >> 20):
        out.append(packer.compress(block))
    out.append(packer.compress(bytes(size & 0xFFFFF)))
    out.append(packer.flush())
    return b"".join(out)


@dataclasses.dataclass
class RawAnswer:
    headers: dict  # headers and trailers together
    body: bytes
    reset: int | None      # RST_STREAM error code
    closed: bool           # the connection ended first

    @property
    def grpc_status(self):
        value = self.headers.get("grpc-status")
        return int(value) if value is not None else None


class RawClient:
    """One connection. send() begins a stream, answer() waits for its end."""

    def __init__(self, address, timeout=10):
        host, port = address.rsplit(":", 1)
        self.timeout = timeout
        self.socket = socket.create_connection((host, int(port)), timeout)
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.h2.initiate_connection()
        self.streams, self.closed = {}, False
        self.flush()

    def send(self, data, path=EXPORT, headers=(), end=True):
        """data: what goes into DATA frames, gRPC framing included. end=False keeps the stream open."""
        stream = self.h2.get_next_available_stream_id()
        self.streams[stream] = RawAnswer({}, b"", None, False)
        self.h2.send_headers(stream, [
            (":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "test"),
            ("content-type", "application/grpc"), ("te", "trailers"), *headers])
        self.more(stream, data, end)
        return stream

    def more(self, stream, data, end=True):
        at, limit = 0, time.monotonic() + self.timeout
        while at < len(data):
            room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)
            if room == 0:
                self.flush()
                self._receive(limit)
                if self.closed or self.streams[stream].reset is not None or self.streams[stream].headers:
                    return
                continue
            self.h2.send_data(stream, data[at:at + room])
            at += room
        if end:
            self.h2.end_stream(stream)
        self.flush()

    def reset(self, stream):
        self.h2.reset_stream(stream)
        self.flush()

    def answer(self, stream, timeout=None):
        """The RawAnswer when stream or connection has ended; TimeoutError."""
        limit = time.monotonic() + (timeout or self.timeout)
        found = self.streams[stream]
        while not (found.closed or found.reset is not None or found.headers.get("grpc-status")):
            if self.closed:
                found.closed = True
                break
            self._receive(limit)
        return found

    def gzipped(self, body, **kw):
        return self.send(message(gzip.compress(body) if not kw.pop("ready", False) else body, True),
                         headers=[("grpc-encoding", "gzip")], **kw)

    def flush(self):
        try:
            self.socket.sendall(self.h2.data_to_send())
        except OSError:
            self.closed = True

    def close(self):
        self.socket.close()

    def _receive(self, limit):
        left = limit - time.monotonic()
        if left <= 0:
            raise TimeoutError("no answer")
        self.socket.settimeout(left)
        try:
            data = self.socket.recv(65536)
        except TimeoutError:
            raise TimeoutError("no answer") from None
        except OSError:
            data = b""
        if not data:
            self.closed = True
            return
        for event in self.h2.receive_data(data):
            found = self.streams.get(getattr(event, "stream_id", None))
            if isinstance(event, (h2.events.ResponseReceived, h2.events.TrailersReceived)) and found:
                found.headers.update(dict(event.headers))
            elif isinstance(event, h2.events.DataReceived) and found:
                found.body += event.data
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamReset) and found:
                found.reset = event.error_code
            elif isinstance(event, h2.events.ConnectionTerminated):
                self.closed = True
        self.flush()
