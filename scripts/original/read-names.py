"""Prints the public names of an installed Python package `agent_gateway` as JSON.

Run by hand when the fixture must be made again (`pip install "ai-agent-gateway[anthropic,openai]==0.5.3" "anthropic<1"
"mcp<2" "openai<3"` first):

  python scripts/original/read-names.py > test/migration/fixtures/original-names.json

The names come from each module's `__all__`, from signatures, from dataclass and model fields, and, for events, error
codes, skill fields and environment variables, from the source.
"""

import ast
import dataclasses
import enum
import importlib
import importlib.metadata
import inspect
import json
import pathlib
import pkgutil
import sys

import agent_gateway


def modules():
  yield agent_gateway
  for found in pkgutil.walk_packages(agent_gateway.__path__, "agent_gateway."):
    yield importlib.import_module(found.name)


def describe_default(value):
  """Returns a default as Python code. An object that only marks a missing argument is "unset"."""
  if isinstance(value, enum.Enum):
    return f"{type(value).__name__}.{value.name}"
  if isinstance(value, (set, frozenset)):
    return "{" + ", ".join(sorted(map(repr, value))) + "}" if value else "set()"
  if isinstance(value, (str, int, float, bool, list, tuple, dict, type(None))):
    return repr(value)
  return "unset"


def parameters(function):
  found = {}
  for name, parameter in inspect.signature(function).parameters.items():
    if name in ("self", "cls") or name.startswith("_"):
      continue
    if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
      continue
    required = parameter.default is inspect.Parameter.empty
    found[name] = "required" if required else describe_default(parameter.default)
  return found


def dataclass_fields(cls):
  found = {}
  for field in dataclasses.fields(cls):
    if field.name.startswith("_"):
      continue
    if field.default is not dataclasses.MISSING:
      found[field.name] = describe_default(field.default)
    elif field.default_factory is not dataclasses.MISSING:
      found[field.name] = describe_default(field.default_factory())
    else:
      found[field.name] = "required"
  return found


def methods(cls):
  found = {}
  for name, member in vars(cls).items():
    if name.startswith("_"):
      continue
    function = member.__func__ if isinstance(member, (staticmethod, classmethod)) else member
    if inspect.isfunction(function):
      found[name] = parameters(function)
  return found


def describe(value):
  if inspect.isclass(value):
    if dataclasses.is_dataclass(value):
      return {"kind": "class", "fields": dataclass_fields(value), "methods": methods(value)}
    constructor = vars(value).get("__init__")
    return {
      "kind": "class",
      "fields": parameters(constructor) if constructor is not None else {},
      "methods": methods(value),
    }
  if inspect.isfunction(value):
    return {"kind": "function", "parameters": parameters(value)}
  return {"kind": "value"}


def exports():
  found = {}
  for module in modules():
    for name in getattr(module, "__all__", []):
      if not name.startswith("_") and name not in found:
        found[name] = describe(getattr(module, name))
  return dict(sorted(found.items()))


def sources():
  for path in sorted(pathlib.Path(agent_gateway.__path__[0]).rglob("*.py")):
    yield ast.parse(path.read_text())


def constant(node):
  return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def error_codes():
  """Returns the codes of tool errors: of dict literals with a `code`, and of calls of `_error`."""
  found = set()
  for tree in sources():
    for node in ast.walk(tree):
      if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values)
        found.update(constant(value) for key, value in pairs if constant(key) == "code")
      elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_error" and node.args:
        found.add(constant(node.args[0]))
  return sorted(found - {None})


def appended_events():
  """Returns the fields of each event by its type: of the dict literals that are appended to an event log."""
  found = {}
  for tree in sources():
    for node in ast.walk(tree):
      if not isinstance(node, ast.Dict):
        continue
      keys = [constant(key) for key in node.keys if key is not None]
      values = {constant(key): value for key, value in zip(node.keys, node.values) if key is not None}
      event = constant(values["type"]) if "type" in values else None
      if event is None or not is_event(event, keys):
        continue
      found.setdefault(event, set()).update(key for key in keys if key not in (None, "type"))
  return {event: sorted(fields) for event, fields in sorted(found.items())}


EVENTS = {
  "text_delta", "thinking_delta", "compaction", "stream_retry", "error", "tool_call_start", "tool_call_complete",
  "tool_approval_request", "tool_output_chunk", "interceptor_decision", "max_turns_reached", "budget_exceeded",
  "stream_complete", "stream_error", "heartbeat", "tool_execute_request",
}
# Types of provider blocks, JSON Schemas and transcripts, which no client receives.
NOT_EVENTS = {
  "adaptive", "array", "boolean", "chat_request", "compact_20260112", "enabled", "ephemeral", "function", "image", "base64",
  "image_url", "input_tokens", "integer", "number", "object", "string", "text", "thinking", "tool_result", "tool_use",
}


def is_event(event, keys):
  if event in EVENTS:
    return True
  if event in NOT_EVENTS:
    return False
  sys.exit(f'The source has a dict of the type "{event}" ({keys}). Add the type to EVENTS or to NOT_EVENTS.')


def request_fields():
  """Returns the fields of the request and response models, by model."""
  from agent_gateway import server

  return {
    name: sorted(value.model_fields)
    for name, value in sorted(vars(server).items())
    if inspect.isclass(value) and hasattr(value, "model_fields") and value.__module__ == server.__name__
  }


def environment():
  found = set()
  for tree in sources():
    for node in ast.walk(tree):
      if isinstance(node, ast.Call) and ast.unparse(node.func) in ("os.getenv", "os.environ.get") and node.args:
        name = constant(node.args[0])
        if name:
          found.add(name)
      if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "os.environ":
        name = constant(node.slice)
        if name:
          found.add(name)
  return sorted(found)


def routes():
  found = set()
  for tree in sources():
    for node in ast.walk(tree):
      if isinstance(node, ast.Call) and ast.unparse(node.func) in ("router.get", "router.post") and node.args:
        found.add(f"{ast.unparse(node.func).split('.')[1].upper()} {constant(node.args[0])}")
  return sorted(found)


json.dump(
  {
    "version": importlib.metadata.version("ai-agent-gateway"),
    "exports": exports(),
    "events": appended_events(),
    "requests": request_fields(),
    "routes": routes(),
    "environment": environment(),
    "errorCodes": error_codes(),
  },
  sys.stdout,
  indent=1,
)
print()
