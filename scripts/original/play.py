"""Plays one script of compare.ts with the Python package: `python play.py NAME`, in the folder of the script.

A script of a conversation prints its address and serves until its standard input ends. All others run to their end. The
model is the server at ANTHROPIC_BASE_URL.
"""

import asyncio
import functools
import logging
import socket
import sys
import threading

import uvicorn
from agent_gateway import HeartbeatConfig, HeartbeatLoop, create_agent, run_autonomous
from agent_gateway.code_execution import CodeExecutionConfig

PROMPT = "You look after a shop."


async def find_order(tool_input, **_kwargs):
  if tool_input["order"] != 7:
    return None, {"code": "not_found", "message": "There is no such order."}
  return {"order": 7, "status": "sent", "items": ["lamp"]}, None


TOOLS = {
  "tool_handlers": {"find_order": find_order},
  "tool_definitions": [
    {
      "name": "find_order",
      "description": "Returns an order.",
      "input_schema": {
        "type": "object",
        "properties": {"order": {"type": "integer", "description": "Number of the order."}},
        "required": ["order"],
      },
    }
  ],
}

CONVERSATIONS = {
  "plain": lambda: create_agent(PROMPT),
  "tools": lambda: create_agent(PROMPT, **TOOLS),
  "thinking": lambda: create_agent(PROMPT, model="claude-sonnet-4-5", **TOOLS),
  "skill": lambda: create_agent(PROMPT, skills_dir="skills", **TOOLS),
  "sub-agents": lambda: create_agent(PROMPT, skills_dir="no-skills", **TOOLS),
  "code with a plot": lambda: create_agent(
    PROMPT, code_execution=True, code_execution_config=CodeExecutionConfig(register_docker=False)
  ),
}


async def play_budget():
  await run_autonomous(PROMPT, "Look at order 7.", max_budget_usd=0.05, **TOOLS)


async def play_state():
  for _ in range(2):
    await run_autonomous(PROMPT, "Count the orders.", state_dir="state")


async def play_heartbeat():
  run = functools.partial(run_autonomous, PROMPT, "Look at HEARTBEAT.md. If all is well, respond with HEARTBEAT_OK.", **TOOLS)
  await HeartbeatLoop(run, HeartbeatConfig(checklist_path="HEARTBEAT.md", max_ticks=1)).start()


RUNS = {
  "budget": play_budget,
  "state": play_state,
  "heartbeat, quiet": play_heartbeat,
  "heartbeat, alert": play_heartbeat,
}


def serve(app):
  listener = socket.socket()
  listener.bind(("127.0.0.1", 0))
  listener.listen()
  server = uvicorn.Server(uvicorn.Config(app, log_level="error"))

  def stop_with_parent():
    sys.stdin.read()
    server.should_exit = True

  threading.Thread(target=stop_with_parent, daemon=True).start()
  print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
  server.run(sockets=[listener])


logging.disable(logging.ERROR)
name = sys.argv[1]
if name in CONVERSATIONS:
  serve(CONVERSATIONS[name]())
else:
  asyncio.run(RUNS[name]())
