# SPDX-License-Identifier: Apache-2.0
"""The OpenTelemetry Python SDK as an application sets it up."""
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def provider(address, service, resource=None, gzip=False):
    """A TracerProvider that exports to address ("127.0.0.1:4317"). shutdown() sends what is left."""
    import grpc
    compression = grpc.Compression.Gzip if gzip else grpc.Compression.NoCompression
    exporter = OTLPSpanExporter(endpoint=f"http://{address}", insecure=True, compression=compression)
    made = TracerProvider(resource=Resource.create({"service.name": service, **(resource or {})}))
    made.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=200))
    return made
