"""The official Python client, unchanged, against a server of the fake engine. Arguments: the server's base URL. Ends with 0 when all holds."""

import sys
from typing import Literal

import openai
from pydantic import BaseModel

client = openai.OpenAI(base_url=sys.argv[1], api_key="unused", max_retries=0)


def ask(content: str, **options):
    return client.chat.completions.create(model="fake", messages=[{"role": "user", "content": content}], **options)


def refused(call):
    try:
        call()
    except openai.APIStatusError as error:
        return error
    raise AssertionError("nothing was refused")


# An answer, whole and as a stream.
whole = ask("fake: tokens=3")
assert whole.choices[0].message.content == "the quick brown", whole
assert whole.choices[0].finish_reason == "stop"
assert whole.usage.completion_tokens == 3
chunks = list(ask("fake: tokens=3", stream=True, stream_options={"include_usage": True}))
assert chunks[0].choices[0].delta.role == "assistant"
assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "the quick brown"
assert chunks[-1].usage.completion_tokens == 3

# Tools.
tool = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False},
    },
}
call = ask("weather?", tools=[tool], tool_choice="required").choices[0].message.tool_calls[0]
assert (call.function.name, call.function.arguments) == ("get_weather", '{"city":"x"}'), call
named = ask("weather?", tools=[tool], tool_choice={"type": "function", "function": {"name": "get_weather"}}, stream=True)
deltas = [delta for chunk in named for delta in (chunk.choices[0].delta.tool_calls or [])]
assert "".join(delta.function.arguments or "" for delta in deltas) == '{"city":"x"}'


# A schema of pydantic's.
class Person(BaseModel):
    name: str
    age: int
    likes: list[Literal["tea", "cake"]]


parsed = client.chat.completions.parse(model="fake", messages=[{"role": "user", "content": "a person"}], response_format=Person)
assert isinstance(parsed.choices[0].message.parsed, Person)

# Embeddings: the client asks for base64 by itself.
embeddings = client.embeddings.create(model="fake-embed", input=["one", "two"])
assert [len(item.embedding) for item in embeddings.data] == [64, 64]
floats = client.embeddings.create(model="fake-embed", input=["one", "two"], encoding_format="float", dimensions=64)
assert all(abs(a - b) < 1e-6 for a, b in zip(embeddings.data[0].embedding, floats.data[0].embedding))

# Models.
assert {model.id for model in client.models.list()} == {"fake", "fake-embed"}
assert client.models.retrieve("fake").id == "fake"

# Errors are of the class and the code that the client knows.
unknown = refused(lambda: client.chat.completions.create(model="fakes", messages=[{"role": "user", "content": "x"}]))
assert isinstance(unknown, openai.NotFoundError) and unknown.code == "model_not_found", unknown
long = refused(lambda: ask("x", max_tokens=9000))
assert isinstance(long, openai.BadRequestError) and long.code == "context_length_exceeded", long
failed = refused(lambda: ask("fake: fail=engine_failed"))
assert isinstance(failed, openai.InternalServerError) and failed.code == "engine_failed", failed
try:
    list(ask("fake: tokens=5 failAfter=2 fail=engine_failed", stream=True))
    raise AssertionError("the stream ended well")
except openai.APIError as error:
    assert error.code == "engine_failed", error

# Leaving in the middle; the caller looks at what the server makes of it.
stream = ask("fake: tokens=100000 stepMs=1", stream=True)
for number, chunk in enumerate(stream):
    if number == 5:
        stream.close()
        break
