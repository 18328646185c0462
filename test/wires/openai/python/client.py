"""Uses the gateway as an application does, and prints the results as JSON."""

import json
import sys

from openai import NotFoundError, OpenAI
from pydantic import BaseModel


class Place(BaseModel):
    city: str


url, key = sys.argv[1:]
client = OpenAI(base_url=f"{url}/v1", api_key=key)
model = client.models.list().data[0].id
results = {}

with client.responses.stream(model=model, input="Hello", conversation="chat-1") as stream:
    results["streamed"] = "".join(e.delta for e in stream if e.type == "response.output_text.delta")
    final = stream.get_final_response()
results["final"] = [final.output_text, final.conversation.id, final.usage.total_tokens > 0]
results["conversation"] = client.responses.create(model=model, input="Again", conversation="chat-1").output_text

events = []
broken = client.responses.create(model=model, input="Hello", stream=True)
for event in broken:
    events.append(event)
    if event.type == "response.output_text.delta":
        broken.close()
        break
events += client.responses.retrieve(
    events[0].response.id, stream=True, starting_after=events[-1].sequence_number
)
results["continued"] = "".join(e.delta for e in events if e.type == "response.output_text.delta")
numbers = [event.sequence_number for event in events]
results["ordered"] = numbers == sorted(set(numbers))

asked = client.responses.create(model=model, input="Pay")
[request] = [item for item in asked.output if item.type == "mcp_approval_request"]
answer = {"type": "mcp_approval_response", "approval_request_id": request.id, "approve": True}
results["approved"] = client.responses.create(
    model=model, previous_response_id=asked.id, input=[answer]
).output_text

parameters = {"type": "object", "properties": {}}
functions = [{"type": "function", "name": "locate", "parameters": parameters, "strict": False}]
asked = client.responses.create(model=model, input="Locate", tools=functions)
[call] = [item for item in asked.output if item.type == "function_call"]
answer = {"type": "function_call_output", "call_id": call.call_id, "output": "Rome"}
results["function"] = client.responses.create(
    model=model, previous_response_id=asked.id, input=[answer]
).output_text

parsed = client.responses.parse(model=model, input="Form", text_format=Place)
results["parsed"] = parsed.output_parsed.city

messages = [{"role": "user", "content": "Hello"}]
with client.chat.completions.stream(
    model=model, messages=messages, stream_options={"include_usage": True}
) as stream:
    for _ in stream:
        pass
    completion = stream.get_final_completion()
results["completion"] = [completion.choices[0].message.content, completion.usage.total_tokens > 0]

try:
    client.responses.retrieve("resp_none")
except NotFoundError as error:
    results["missing"] = error.code

print(json.dumps(results))
