# SPDX-License-Identifier: Apache-2.0
"""OTLP as an SDK speaks it: build requests, send them (or any bytes), read status and details."""
import dataclasses
import os
import random
import time

import grpc
from google.rpc import error_details_pb2, status_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
Request = trace_service_pb2.ExportTraceServiceRequest
Response = trace_service_pb2.ExportTraceServiceResponse


def value(v):
    """A Python value as AnyValue."""
    if isinstance(v, bool):
        return common_pb2.AnyValue(bool_value=v)
    if isinstance(v, int):
        return common_pb2.AnyValue(int_value=v)
    if isinstance(v, float):
        return common_pb2.AnyValue(double_value=v)
    if isinstance(v, bytes):
        return common_pb2.AnyValue(bytes_value=v)
    if isinstance(v, (list, tuple)):
        return common_pb2.AnyValue(array_value=common_pb2.ArrayValue(values=[value(x) for x in v]))
    if isinstance(v, dict):
        return common_pb2.AnyValue(kvlist_value=common_pb2.KeyValueList(values=attributes(v)))
    return common_pb2.AnyValue(string_value=v)


def attributes(d):
    return [common_pb2.KeyValue(key=k, value=value(v)) for k, v in d.items()]


def read_value(any_value):
    """The other way round."""
    kind = any_value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [read_value(v) for v in any_value.array_value.values]
    if kind == "kvlist_value":
        return read_attributes(any_value.kvlist_value.values)
    return getattr(any_value, kind)


def read_attributes(key_values):
    return {kv.key: read_value(kv.value) for kv in key_values}


def span(name="GET /", duration_ms=10.0, attrs=None, *, end_ns=None, trace_id=None, span_id=None, parent=b"",
         kind=trace_pb2.Span.SPAN_KIND_SERVER, **fields):
    """A span that ends now unless end_ns says otherwise; fields go to the Span message as they are."""
    end = end_ns if end_ns is not None else time.time_ns()
    return trace_pb2.Span(
        name=name, trace_id=trace_id or os.urandom(16), span_id=span_id or os.urandom(8), parent_span_id=parent,
        kind=kind, end_time_unix_nano=end, start_time_unix_nano=end - round(duration_ms * 1_000_000),
        attributes=attributes(attrs or {}), **fields)


def request(spans_by_service, resource=None, scope="test"):
    """{"checkout": [span(), ...], ...}: one ResourceSpans each. A service of None has no service.name."""
    out = Request()
    for service, spans in spans_by_service.items():
        of = out.resource_spans.add()
        names = {} if service is None else {"service.name": service}
        of.resource.attributes.extend(attributes(names | (resource or {})))
        of.scope_spans.add(scope=common_pb2.InstrumentationScope(name=scope), spans=spans)
    return out


def many(service, count, name="GET /", duration_ms=10.0, attrs=None):
    """count spans of one service, ids all different."""
    return request({service: [span(name, duration_ms, attrs) for _ in range(count)]})


def varied(req):
    """The bytes of a request like this one that has not been sent before: the same bytes again count once."""
    req.resource_spans[0].scope_spans[0].spans[0].span_id = os.urandom(8)
    return req.SerializeToString()


def spans_of(req):
    """(resource attributes, span) of every span in a request."""
    for of in req.resource_spans:
        res = read_attributes(of.resource.attributes)
        for scope in of.scope_spans:
            for s in scope.spans:
                yield res, s


@dataclasses.dataclass
class Answer:
    code: grpc.StatusCode
    message: str
    response: object  # when OK: ExportTraceServiceResponse, of other methods than Export the bytes
    trailers: dict
    retry_delay: float | None  # seconds of google.rpc.RetryInfo; None: there was none

    @property
    def ok(self):
        return self.code == grpc.StatusCode.OK

    @property
    def rejected(self):
        return self.response.partial_success.rejected_spans if self.response else 0

    @property
    def reason(self):
        return self.response.partial_success.error_message if self.response else self.message


class Client:
    """Unary calls on one channel; the body may be a message or any bytes. tls: see tls_credentials()."""

    def __init__(self, address, options=(), tls=None):
        options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1), *options]
        self.channel = grpc.secure_channel(address, tls, options) if tls else grpc.insecure_channel(address, options)

    def export(self, body, timeout=30, gzip=False, metadata=(), wait_for_ready=True):
        return self.start(body, timeout, gzip, metadata, wait_for_ready)()

    def start(self, body, timeout=30, gzip=False, metadata=(), wait_for_ready=True):
        """Sends now; the returned function waits for the Answer."""
        return self._send(EXPORT, body, timeout, gzip, metadata, wait_for_ready)

    def call(self, method, body=b"", timeout=30, metadata=(), wait_for_ready=True):
        """Any unary method: Health/Check, one that does not exist."""
        return self._send(method, body, timeout, False, metadata, wait_for_ready)()

    def _send(self, method, body, timeout, gzip, metadata, wait_for_ready):
        raw = body if isinstance(body, bytes) else body.SerializeToString()
        stub = self.channel.unary_unary(method, request_serializer=None, response_deserializer=None)
        future = stub.future(raw, timeout=timeout, metadata=list(metadata), wait_for_ready=wait_for_ready,
                             compression=grpc.Compression.Gzip if gzip else grpc.Compression.NoCompression)
        return lambda: _answer(future, Response.FromString if method == EXPORT else bytes)

    def export_until_ok(self, body, deadline_s=60):
        """What an SDK does: tries again after UNAVAILABLE, with the very same bytes."""
        end = time.monotonic() + deadline_s
        while True:
            answer = self.export(body)
            if answer.ok or answer.code not in RETRYABLE or time.monotonic() > end:
                return answer
            time.sleep(min(answer.retry_delay or 0.2, 1.0) * random.uniform(0.5, 1.0))

    def close(self):
        self.channel.close()


def tls_credentials(authority, pair=None):
    """A client that trusts env.certificates.Authority and shows a Pair."""
    return grpc.ssl_channel_credentials(authority.cert.read_bytes(), pair and pair.key_pem, pair and pair.cert_pem)


RETRYABLE = {grpc.StatusCode.CANCELLED, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.ABORTED,
             grpc.StatusCode.OUT_OF_RANGE, grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DATA_LOSS}


def _answer(future, parse):
    code = future.code()
    trailers = {k: v for k, v in (future.trailing_metadata() or ())}
    response = parse(future.result()) if code == grpc.StatusCode.OK else None
    return Answer(code, future.details() or "", response, trailers, _retry_delay(trailers))


def _retry_delay(trailers):
    raw = trailers.get("grpc-status-details-bin")
    if raw is None:
        return None
    for detail in status_pb2.Status.FromString(raw).details:
        info = error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            return info.retry_delay.seconds + info.retry_delay.nanos / 1e9
    return None
