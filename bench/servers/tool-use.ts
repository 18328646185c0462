/** If a message ends with this text, the upstream requests a call of the tool. */
export const toolMark = ' tool"'
export const toolName = "answer"
let calls = 0

/** Returns a complete response of the Anthropic Messages API that requests one call. */
export function toolUse(): string {
  calls += 1
  return [
    {
      type: "message_start",
      message: {
        id: `msg_tool_${calls}`,
        type: "message",
        role: "assistant",
        model: "claude-bench",
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage: { input_tokens: 10, output_tokens: 1 },
      },
    },
    {
      type: "content_block_start",
      index: 0,
      content_block: { type: "tool_use", id: `toolu_${process.pid}_${calls}`, name: toolName, input: {} },
    },
    { type: "content_block_delta", index: 0, delta: { type: "input_json_delta", partial_json: "{}" } },
    { type: "content_block_stop", index: 0 },
    {
      type: "message_delta",
      delta: { stop_reason: "tool_use", stop_sequence: null },
      usage: { output_tokens: 20 },
    },
    { type: "message_stop" },
  ]
    .map((data) => `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`)
    .join("")
}
