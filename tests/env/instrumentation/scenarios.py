# SPDX-License-Identifier: Apache-2.0
"""Small programs as people write them, with the instrumentation they use. Each runs in a process of its own.

A scenario is a function (provider, url) with the environment (a file *.txt here) whose packages it needs."""
ALL = {}


def scenario(environment):
    def add(function):
        ALL[function.__name__.replace("_", "-")] = (environment, function)
        return function
    return add


WEATHER = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}]
QUESTION = [{"role": "user", "content": "How is the weather?"}]


def use_openai(url):
    import openai
    client = openai.OpenAI(base_url=url + "/v1", api_key="none")
    client.chat.completions.create(model="gpt-4o", messages=QUESTION)
    client.embeddings.create(model="text-embedding-3-small", input="weather")


def use_anthropic(url):
    import anthropic
    client = anthropic.Anthropic(base_url=url, api_key="none")
    client.messages.create(model="claude-sonnet-4-20250514", max_tokens=100, messages=QUESTION)


def use_langgraph(url):
    """An agent that calls a tool: two calls of the model below it."""
    from langchain_core.tools import tool
    from langchain_openai import ChatOpenAI
    from langgraph.prebuilt import create_react_agent

    @tool
    def weather(city: str = "Paris") -> str:
        """How the weather is."""
        return "Sunny."
    model = ChatOpenAI(model="gpt-4o", base_url=url + "/v1", api_key="none")
    create_react_agent(model, [weather]).invoke({"messages": [("user", "How is the weather?")]})


@scenario("otel")
def otel_openai(provider, url):
    from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor
    OpenAIInstrumentor().instrument(tracer_provider=provider)
    use_openai(url)


@scenario("llm")
def openllmetry_openai(provider, url):
    from opentelemetry.instrumentation.openai import OpenAIInstrumentor
    OpenAIInstrumentor().instrument(tracer_provider=provider)
    use_openai(url)


@scenario("llm")
def openinference_openai(provider, url):
    from openinference.instrumentation.openai import OpenAIInstrumentor
    OpenAIInstrumentor().instrument(tracer_provider=provider)
    use_openai(url)


@scenario("llm")
def openllmetry_anthropic(provider, url):
    from opentelemetry.instrumentation.anthropic import AnthropicInstrumentor
    AnthropicInstrumentor().instrument(tracer_provider=provider)
    use_anthropic(url)


@scenario("llm")
def openinference_anthropic(provider, url):
    from openinference.instrumentation.anthropic import AnthropicInstrumentor
    AnthropicInstrumentor().instrument(tracer_provider=provider)
    use_anthropic(url)


@scenario("llm")
def openllmetry_langgraph(provider, url):
    from opentelemetry.instrumentation.langchain import LangchainInstrumentor
    LangchainInstrumentor().instrument(tracer_provider=provider)
    use_langgraph(url)


@scenario("llm")
def openinference_langgraph(provider, url):
    from openinference.instrumentation.langchain import LangChainInstrumentor
    LangChainInstrumentor().instrument(tracer_provider=provider)
    use_langgraph(url)


@scenario("otel")
def pydantic_ai(provider, url):
    """Two agents: one on OpenAI that calls a tool, one on Anthropic."""
    from anthropic import AsyncAnthropic
    from openai import AsyncOpenAI
    from pydantic_ai import Agent
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.models.instrumented import InstrumentationSettings
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.anthropic import AnthropicProvider
    from pydantic_ai.providers.openai import OpenAIProvider
    Agent.instrument_all(InstrumentationSettings(tracer_provider=provider, include_content=False))
    openai = AsyncOpenAI(base_url=url + "/v1", api_key="none")
    anthropic = AsyncAnthropic(base_url=url, api_key="none")
    agent = Agent(OpenAIChatModel("gpt-4o", provider=OpenAIProvider(openai_client=openai)))

    @agent.tool_plain
    def weather(city: str = "Paris") -> str:
        return "Sunny."
    agent.run_sync("How is the weather?")
    claude = AnthropicProvider(anthropic_client=anthropic)
    Agent(AnthropicModel("claude-sonnet-4-20250514", provider=claude)).run_sync("How is the weather?")


@scenario("otel")
def botocore(provider, url):
    import boto3
    from opentelemetry.instrumentation.botocore import BotocoreInstrumentor
    BotocoreInstrumentor().instrument(tracer_provider=provider)
    session = boto3.Session("none", "none", region_name="us-east-1")
    table = session.client("dynamodb", endpoint_url=url)
    key = {"id": {"S": "7"}}
    table.get_item(TableName="orders", Key=key, ReturnConsumedCapacity="TOTAL")
    table.put_item(TableName="orders", Item=key, ReturnConsumedCapacity="TOTAL")
    put = [{"PutRequest": {"Item": key}}]
    table.batch_write_item(RequestItems={"orders": put, "items": put}, ReturnConsumedCapacity="TOTAL")
    store = session.client("s3", endpoint_url=url)
    store.put_object(Bucket="b", Key="k", Body=b"x")
    store.get_object(Bucket="b", Key="k")
    queue = session.client("sqs", endpoint_url=url)
    queue.send_message(QueueUrl=url + "/1/orders", MessageBody="{}")
    queue.receive_message(QueueUrl=url + "/1/orders")
    model = session.client("bedrock-runtime", endpoint_url=url)
    model.converse(modelId="us.anthropic.claude-sonnet-4-20250514-v1:0",
                   messages=[{"role": "user", "content": [{"text": "How is the weather?"}]}])


@scenario("otel")
def redis(provider, _url):
    """Needs a Redis: REDIS_PORT."""
    import os

    import redis as library
    from opentelemetry.instrumentation.redis import RedisInstrumentor
    RedisInstrumentor().instrument(tracer_provider=provider)
    client = library.Redis(port=int(os.environ["REDIS_PORT"]))
    client.set("a", 1)
    client.get("a")


@scenario("otel")
def web(provider, url):
    """A request served by Flask that asks another server."""
    import threading

    import flask
    import requests
    from opentelemetry.instrumentation.flask import FlaskInstrumentor
    from opentelemetry.instrumentation.requests import RequestsInstrumentor
    from werkzeug.serving import make_server
    app = flask.Flask("shop")

    @app.post("/orders/<int:order>")
    def order(order):
        return requests.get(url + "/stock/7", timeout=10).content
    FlaskInstrumentor().instrument_app(app, tracer_provider=provider)
    RequestsInstrumentor().instrument(tracer_provider=provider)
    server = make_server("127.0.0.1", 0, app)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    import urllib.request
    urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/orders/4711", data=b"x" * 300, timeout=10).read()
    server.shutdown()
