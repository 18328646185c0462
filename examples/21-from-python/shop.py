"""The help desk of a shop on the Python package 0.5.3: a server, a daily report, and a watch on the stock.

  pip install "ai-agent-gateway[anthropic]==0.5.3" "anthropic<1" "mcp<2" uvicorn
  uvicorn shop:app            the server
  python shop.py report       the report of the day, for cron
  python shop.py watch        the watch, which runs until it is stopped
"""

import asyncio
import json
import os
import sys
from pathlib import Path

from agent_gateway import (
  AgentRunner, AnthropicProvider, ChatRuntime, DeliveryConfig, GatewayServerConfig, HeartbeatConfig, HeartbeatLoop,
  InterceptDecision, McpClientManager, RetryConfig, SkillLoader, ToolDispatcher, create_gateway_app, load_state,
  make_get_background_result_handler, make_get_background_result_tool_def, make_run_agent_handler,
  make_run_agent_tool_def, run_autonomous, run_autonomous_with_retry, run_output_exit_code,
)
from agent_gateway.server import _make_request_approval

HERE = Path(__file__).parent
MODEL = "claude-sonnet-4-6"
STATE = Path("state")
CHECKLIST = HERE / "HEARTBEAT.md"
MCP = {"stock": {"command": "node", "args": [str(HERE / "stock-server.mjs")]}}
ORDERS = {
  17: {"customer": "Ada", "total": 40, "currency": "EUR", "state": "delivered"},
  18: {"customer": "Grace", "total": 90, "currency": "USD", "state": "lost"},
}


async def find_order(tool_input, **_kwargs):
  order = ORDERS.get(tool_input["order"])
  if order is None:
    return None, {"code": "not_found", "message": "There is no such order."}
  return order, None


async def refund(tool_input, **_kwargs):
  return {"refunded": tool_input["amount"], "currency": tool_input["currency"]}, None


HANDLERS = {"find_order": find_order, "refund": refund}
DEFINITIONS = [
  {
    "name": "find_order",
    "description": "Returns an order by its number.",
    "input_schema": {"type": "object", "properties": {"order": {"type": "integer"}}, "required": ["order"]},
  },
  {
    "name": "refund",
    "description": "Pays an amount of an order back to its customer.",
    "input_schema": {
      "type": "object",
      "properties": {"order": {"type": "integer"}, "amount": {"type": "number"}, "currency": {"type": "string"}},
      "required": ["order", "amount", "currency"],
    },
  },
]


async def limit_refunds(context):
  if context.tool_name == "refund" and context.tool_input["amount"] > 500:
    return InterceptDecision("deny", "Refunds over 500 are made by the accountant.", "too_large")
  return InterceptDecision("allow")


mcp_client = McpClientManager(config_path=None, inline_servers=MCP, builtin_tool_names={*HANDLERS, "run_agent"})
provider = AnthropicProvider()
auth_config = {"auth_mode": "api", "api_key": os.environ.get("ANTHROPIC_API_KEY", ""), "model": MODEL}
skills = SkillLoader(HERE / "skills")


async def build_chat_runtime(session, request, channel, auth_manager):
  runner_ref = [None]
  handlers = dict(HANDLERS)
  handlers["run_agent"] = make_run_agent_handler(
    runner_ref, skill_loader=skills, mcp_client=mcp_client, local_tool_handlers=handlers,
    excluded_tools={"refund"}, default_model=MODEL,
  )
  handlers["get_background_result"] = make_get_background_result_handler(runner_ref)

  def tool_definitions():
    own = [*DEFINITIONS, make_run_agent_tool_def(skills), make_get_background_result_tool_def()]
    return [*mcp_client.get_tool_definitions(), *own]

  def build_runner(event_log, session_id):
    dispatcher = ToolDispatcher(
      mcp_client=mcp_client, local_tool_handlers=handlers, event_log=event_log, session_id=session_id,
      needs_approval=lambda name, tool_input, qualifier: name == "refund",
      approval_key_qualifier=lambda name, tool_input: tool_input["currency"] if name == "refund" else "",
      request_approval=_make_request_approval(session, event_log),
      approved_tool_types=session.approved_tool_types,
      interceptors=[limit_refunds],
    )
    runner_ref[0] = AgentRunner(
      event_log, dispatcher, session_id, provider=provider, auth_config=auth_config, mcp_client=mcp_client,
      get_tool_definitions=tool_definitions, per_turn_timeout=300, max_budget_usd=1.0,
    )
    return runner_ref[0]

  prompt = "You are the help desk of a shop. Look an order up before you refund it."
  return ChatRuntime(system_prompt=prompt, build_runner=build_runner, max_turns=20)


app = create_gateway_app(
  GatewayServerConfig(
    build_chat_runtime=build_chat_runtime, default_provider=provider, auth_config=auth_config,
    jwt_secret=os.environ.get("JWT_SECRET", "a-secret-of-at-least-32-characters"), mcp_client=mcp_client,
    on_startup=mcp_client.startup, on_shutdown=mcp_client.shutdown,
  )
)

HEADLESS = {
  "model": MODEL, "mcp_servers": MCP, "tool_handlers": {"find_order": find_order},
  "tool_definitions": DEFINITIONS[:1], "max_turns": 10, "max_budget_usd": 0.5,
}


async def report():
  def print_report(output, state):
    print(f"{output.response}\nNext order: {(state or {}).get('next_order')}")

  output = await run_autonomous_with_retry(
    run_autonomous,
    "You report on the orders of a shop. End with the heading ## STATE_UPDATE_JSON and a JSON block of what to keep.",
    f"Write the report of the day.\n\nThe state after the last report: {json.dumps(load_state(STATE))}",
    state_dir=STATE,
    retry_config=RetryConfig(max_retries=2, backoff_steps=[1, 5]),
    delivery=DeliveryConfig(webhook_url=os.environ.get("REPORT_WEBHOOK"), on_complete=print_report),
    **HEADLESS,
  )
  return run_output_exit_code(output)


async def watch():
  async def tick():
    return await run_autonomous(
      "You watch over the stock of a shop. If nothing needs attention, respond with HEARTBEAT_OK.",
      f"Check this list:\n\n{CHECKLIST.read_text()}",
      **HEADLESS,
    )

  config = HeartbeatConfig(
    interval_seconds=1800, checklist_path=CHECKLIST, state_dir=STATE,
    max_ticks=int(os.environ["WATCH_TICKS"]) if "WATCH_TICKS" in os.environ else None,
  )
  await HeartbeatLoop(tick, config, on_alert=lambda output, _state: print(f"Attention: {output.response}")).start()


if __name__ == "__main__":
  sys.exit(asyncio.run({"report": report, "watch": watch}[sys.argv[1]]()))
