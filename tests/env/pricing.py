# SPDX-License-Identifier: Apache-2.0
"""A client of the pricing service, by proto/pricing.proto itself: PricingClient("127.0.0.1:4322").watch()."""
import pathlib
import re

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PROTO = pathlib.Path(__file__).resolve().parents[2] / "proto/pricing.proto"
PACKAGE = "spantoll.pricing.v1"
Field = descriptor_pb2.FieldDescriptorProto
TYPES = {"string": Field.TYPE_STRING, "bytes": Field.TYPE_BYTES, "bool": Field.TYPE_BOOL, "uint64": Field.TYPE_UINT64,
         "sint64": Field.TYPE_SINT64}


def messages():
    """Message name -> class. The file has nothing but flat messages with scalar and message fields."""
    file = descriptor_pb2.FileDescriptorProto(name="pricing.proto", package=PACKAGE, syntax="proto3")
    text = re.sub(r"//.*", "", PROTO.read_text())
    for name, body in re.findall(r"message (\w+) \{(.*?)\}", text, re.S):
        message = file.message_type.add(name=name)
        for repeated, kind, field, number in re.findall(r"(repeated )?(\w+) (\w+) = (\d+);", body):
            made = message.field.add(name=field, number=int(number), type=TYPES.get(kind, Field.TYPE_MESSAGE),
                                     label=Field.LABEL_REPEATED if repeated else Field.LABEL_OPTIONAL)
            if kind not in TYPES:
                made.type_name = f".{PACKAGE}.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {m.name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{m.name}"))
            for m in file.message_type}


MESSAGES = messages()


class PricingClient:
    def __init__(self, address, credentials=None):
        self.channel = grpc.secure_channel(address, credentials) if credentials else grpc.insecure_channel(address)

    def _method(self, name, answer, stream=False):
        make = self.channel.unary_stream if stream else self.channel.unary_unary
        return make(f"/{PACKAGE}.PricingService/{name}", request_serializer=lambda m: m.SerializeToString(),
                    response_deserializer=MESSAGES[answer].FromString)

    def cost(self, **request):
        return self._method("GetCost", "GetCostResponse")(MESSAGES["GetCostRequest"](**request), timeout=5)

    def book(self, version=""):
        return self._method("GetPriceBook", "PriceBook")(MESSAGES["GetPriceBookRequest"](version=version), timeout=5)

    def watch(self, version="", timeout=20):
        return self._method("WatchPriceBook", "PriceBook", stream=True)(
            MESSAGES["WatchPriceBookRequest"](version=version), timeout=timeout)

    def pre_refresh(self):
        return self._method("PreRefresh", "PreRefreshResponse")(MESSAGES["PreRefreshRequest"](), timeout=20)

    def close(self):
        self.channel.close()
