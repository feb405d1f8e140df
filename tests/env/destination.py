# SPDX-License-Identifier: Apache-2.0
"""An OTLP/gRPC destination that answers as a test says.

Destination().start()   keeps every request it has answered with OK in .taken
.answers                 what comes next: a list of Refusal, Partial, or functions of the request; then OK again"""
import dataclasses
import threading
from concurrent import futures

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2

from env import otlp
from env.ports import free_port


@dataclasses.dataclass
class Refusal:
    code: grpc.StatusCode
    message: str = "as the test says"
    retry_after: float | None = None  # seconds of RetryInfo

    def __call__(self, request, context):
        if self.retry_after is not None:
            delay = duration_pb2.Duration(nanos=round(self.retry_after % 1 * 1e9), seconds=int(self.retry_after))
            detail = any_pb2.Any()
            detail.Pack(error_details_pb2.RetryInfo(retry_delay=delay))
            status = status_pb2.Status(code=self.code.value[0], message=self.message, details=[detail])
            context.set_trailing_metadata([("grpc-status-details-bin", status.SerializeToString())])
        context.abort(self.code, self.message)


@dataclasses.dataclass
class Partial:
    rejected: int
    message: str

    def __call__(self, request, context):
        response = otlp.Response()
        response.partial_success.rejected_spans = self.rejected
        response.partial_success.error_message = self.message
        return response


def ids_of(requests):
    return [s.span_id for r in requests for _, s in otlp.spans_of(r)]


class Destination:
    def __init__(self, credentials=None, compression=grpc.Compression.NoCompression, max_message=4 << 20):
        self.port = free_port()
        self.taken, self.headers, self.answers = [], [], []
        self.always = None  # a function of request and context for every call, when answers are used up
        self.calls = 0
        self._lock = threading.Lock()
        self._credentials, self._compression, self._max = credentials, compression, max_message
        self._server = None

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    @property
    def ids(self):
        with self._lock:
            return ids_of(self.taken)

    def start(self):
        self._server = grpc.server(futures.ThreadPoolExecutor(16), compression=self._compression, options=[
            ("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", self._max)])
        handler = grpc.unary_unary_rpc_method_handler(self._export, otlp.Request.FromString,
                                                      otlp.Response.SerializeToString)
        service, method = otlp.EXPORT[1:].split("/")
        self._server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(service, {method: handler})])
        if self._credentials:
            self._server.add_secure_port(self.address, self._credentials)
        else:
            self._server.add_insecure_port(self.address)
        self._server.start()
        return self

    def stop(self, grace=5):
        """What has begun within the grace is answered."""
        if self._server:
            self._server.stop(grace).wait()
            self._server = None

    def _export(self, request, context):
        with self._lock:
            self.calls += 1
            self.headers.append(dict(context.invocation_metadata()))
            answer = self.answers.pop(0) if self.answers else self.always
        response = answer(request, context) if answer else otlp.Response()
        with self._lock:
            self.taken.append(request)
        return response
