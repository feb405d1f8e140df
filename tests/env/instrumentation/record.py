# SPDX-License-Identifier: Apache-2.0
"""Records the spans of a scenario as the body of one OTLP request:   record.py SCENARIO FILE

Runs in the environment of the scenario; refresh.py calls it."""
import os
import pathlib
import random
import sys

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator

# What was said is of no use here, and long.
os.environ.update(TRACELOOP_TRACE_CONTENT="false", OPENINFERENCE_HIDE_INPUTS="true", OPENINFERENCE_HIDE_OUTPUTS="true",
                  OPENINFERENCE_HIDE_EMBEDDING_VECTORS="true")
sys.path.insert(0, str(pathlib.Path(__file__).parent))
import fake_apis
import scenarios


class SameIds(IdGenerator):
    """The same in every recording."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def generate_span_id(self):
        return self.random.getrandbits(64) or 1

    def generate_trace_id(self):
        return self.random.getrandbits(128) or 1


def record(name):
    exporter = InMemorySpanExporter()
    provider = TracerProvider(id_generator=SameIds(name), resource=Resource({"service.name": name}))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with fake_apis.running() as url:
        scenarios.ALL[name][1](provider, url)
    provider.shutdown()
    return encode_spans(exporter.get_finished_spans()).SerializeToString()


def main():
    name, path = sys.argv[1:]
    pathlib.Path(path).write_bytes(record(name))


if __name__ == "__main__":
    main()
