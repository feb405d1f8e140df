# SPDX-License-Identifier: Apache-2.0
"""One server that answers like the APIs of OpenAI, Anthropic, Bedrock, DynamoDB, S3 and SQS, always with the same usage.

The figures are what the expectations of test_instrumentation.py are computed from by hand."""
import contextlib
import hashlib
import http.server
import json
import threading

OPENAI_CHAT = {"prompt_tokens": 1000, "completion_tokens": 200, "total_tokens": 1200,
               "prompt_tokens_details": {"cached_tokens": 400, "audio_tokens": 0},
               "completion_tokens_details": {"reasoning_tokens": 50, "audio_tokens": 0}}
OPENAI_EMBEDDINGS = {"prompt_tokens": 50, "total_tokens": 50}
ANTHROPIC = {"input_tokens": 100, "cache_read_input_tokens": 600, "cache_creation_input_tokens": 300, "output_tokens": 50,
             "cache_creation": {"ephemeral_5m_input_tokens": 300, "ephemeral_1h_input_tokens": 0}, "service_tier": "standard"}
BEDROCK = {"inputTokens": 100, "cacheReadInputTokens": 600, "cacheWriteInputTokens": 300, "outputTokens": 50,
           "totalTokens": 1050}


def chat(request):
    """A tool call first where tools are offered and none was answered yet; then the answer."""
    message, reason = {"role": "assistant", "content": "Sunny."}, "stop"
    if request.get("tools") and not any(m["role"] == "tool" for m in request["messages"]):
        name = request["tools"][0]["function"]["name"]
        call = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": '{"city": "Paris"}'}}
        message, reason = {"role": "assistant", "content": None, "tool_calls": [call]}, "tool_calls"
    return {"id": "chatcmpl-1", "object": "chat.completion", "created": 1795000000, "model": "gpt-4o-2024-08-06",
            "service_tier": "default", "choices": [{"index": 0, "message": message, "finish_reason": reason}],
            "usage": OPENAI_CHAT}


def embeddings(request):
    return {"object": "list", "model": request["model"], "usage": OPENAI_EMBEDDINGS,
            "data": [{"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}]}


def messages(request):
    return {"id": "msg_1", "type": "message", "role": "assistant", "model": request["model"], "stop_reason": "end_turn",
            "stop_sequence": None, "content": [{"type": "text", "text": "Sunny."}], "usage": ANTHROPIC}


def converse(_request):
    return {"output": {"message": {"role": "assistant", "content": [{"text": "Sunny."}]}}, "stopReason": "end_turn",
            "usage": BEDROCK, "metrics": {"latencyMs": 1}}


def dynamodb(operation, request):
    capacity = {"TableName": "orders", "CapacityUnits": 1.5 if operation == "GetItem" else 3.0}
    if operation == "BatchWriteItem":
        return {"ConsumedCapacity": [capacity, {"TableName": "items", "CapacityUnits": 2.0}]}
    answer = {"Item": {"id": {"S": "7"}}} if operation == "GetItem" else {}
    return answer | ({"ConsumedCapacity": capacity} if "ReturnConsumedCapacity" in request else {})


def sqs(operation, request):
    if operation == "SendMessage":
        return {"MessageId": "m-1", "MD5OfMessageBody": hashlib.md5(request["MessageBody"].encode()).hexdigest()}
    return {}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, body, kind="application/json"):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(200)
        for name, value in (("Content-Type", kind), ("Content-Length", str(len(data))), ("x-amzn-RequestId", "r-1"),
                            ("ETag", '"1"')):
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        service, _, operation = self.headers.get("X-Amz-Target", "").partition(".")
        paths = {"/chat/completions": chat, "/embeddings": embeddings, "/messages": messages, "/converse": converse}
        if service.startswith("DynamoDB"):
            return self.answer(dynamodb(operation, json.loads(body)))
        if service == "AmazonSQS":
            return self.answer(sqs(operation, json.loads(body)))
        for path, make in paths.items():
            if self.path.partition("?")[0].endswith(path):
                return self.answer(make(json.loads(body)))
        return self.answer({})

    def do_PUT(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer(b"")

    def do_GET(self):
        self.answer(b"0123456789", "application/octet-stream")

    do_HEAD = do_GET


@contextlib.contextmanager
def running():
    """Yields the address, "http://127.0.0.1:port"."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
