# SPDX-License-Identifier: Apache-2.0
"""OTLP/HTTP as a test writes it: any bytes with any headers, the whole answer shown."""
import dataclasses
import gzip
import http.client
import json
import socket
import ssl
import time
import zlib

import zstandard
from google.rpc import error_details_pb2, status_pb2

from env.otlp import Response

PROTOBUF, JSON = "application/x-protobuf", "application/json"
TRACES = "/v1/traces"
PACK = {"gzip": gzip.compress, "deflate": zlib.compress, "zlib": zlib.compress,
        "zstd": lambda data: zstandard.ZstdCompressor().compress(data)}


@dataclasses.dataclass
class Answer:
    code: int
    headers: dict  # names in lower case
    body: bytes

    @property
    def ok(self):
        return self.code == 200

    @property
    def type(self):
        return self.headers.get("content-type")

    @property
    def response(self):
        """ExportTraceServiceResponse."""
        assert self.ok and self.type == PROTOBUF, self
        return Response.FromString(self.body)

    @property
    def rejected(self):
        if self.type == JSON:
            return int(json.loads(self.body).get("partialSuccess", {}).get("rejectedSpans", 0))
        return self.response.partial_success.rejected_spans

    @property
    def status(self):
        """google.rpc.Status of a refusal, from either encoding: (code, message)."""
        assert not self.ok
        if self.type == JSON:
            got = json.loads(self.body)
            return got["code"], got["message"]
        assert self.type == PROTOBUF, self
        got = status_pb2.Status.FromString(self.body)
        return got.code, got.message

    @property
    def retry_delay(self):
        """Seconds of google.rpc.RetryInfo in the Status; None: there is none."""
        if self.type == JSON:
            details = json.loads(self.body).get("details", [])
            return float(details[0]["retryDelay"].removesuffix("s")) if details else None
        for detail in status_pb2.Status.FromString(self.body).details:
            info = error_details_pb2.RetryInfo()
            if detail.Unpack(info):
                return info.retry_delay.seconds + info.retry_delay.nanos / 1e9
        return None


def tls_context(authority, pair=None):
    """A client that trusts env.certificates.Authority and shows a Pair."""
    context = ssl.create_default_context(cafile=authority.cert)
    if pair:
        context.load_cert_chain(pair.cert, pair.key)
    return context


class UnixConnection(http.client.HTTPConnection):
    """To the path `at`."""

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.at))


# A server that closes waits so long for those who are connected and silent: who was silent for longer, and finds it
# gone, tries again.
QUIET_S = 0.25


class HttpClient:
    """One connection, kept open between requests. tls: see tls_context(). path: of a unix socket, instead of a port."""

    def __init__(self, port=None, timeout=60, tls=None, path=None):
        kind, more = (http.client.HTTPSConnection, {"context": tls}) if tls else (http.client.HTTPConnection, {})
        self.connection = (UnixConnection if path else kind)("127.0.0.1", port, timeout=timeout, **more)
        self.connection.at = path
        self.heard = time.monotonic()  # the last answer, or the beginning

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def request(self, method, path=TRACES, body=None, headers=None):
        """body: bytes, or an iterable of bytes, which is sent in chunks."""
        self.connection.request(method, path, body, headers or {})
        got = self.connection.getresponse()
        answer = Answer(got.status, {k.lower(): v for k, v in got.getheaders()}, got.read())
        self.heard = time.monotonic()
        return answer

    def post(self, body, path=TRACES, type=PROTOBUF, coding=None, headers=None):
        """coding: compresses the body as well. A message, bytes, or a dict for JSON."""
        if isinstance(body, dict):
            body, type = json.dumps(body).encode(), JSON
        raw = body if isinstance(body, bytes) else body.SerializeToString()
        head = {"Content-Type": type} if type else {}
        if coding:
            raw, head["Content-Encoding"] = PACK[coding](raw), coding
        return self.request("POST", path, raw, head | (headers or {}))

    def close(self):
        """The next request makes a new connection."""
        self.connection.close()
        self.heard = time.monotonic()
