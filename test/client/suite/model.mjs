const words = Array.from({ length: 60 }, (_, index) => `wörd${index + 1} `)

/** The model's response to `long`. */
export const longText = words.join("")

/** Returns the reply of a provider whose model follows the user's last message. */
export function replyTo({ body }, anthropicEvents) {
  const last = body.messages.at(-1)
  const blocks = typeof last.content === "string" ? [{ type: "text", text: last.content }] : last.content
  const result = blocks.find(({ type }) => type === "tool_result")
  if (result !== undefined) return says(anthropicEvents, [`Result: ${JSON.stringify(result.content)}`])
  const said = blocks.findLast(({ type }) => type === "text")?.text ?? ""
  const [word, name, input = "{}"] = said.split("|")
  if (word === "call") {
    return { steps: anthropicEvents([{ type: "toolCall", name, input: JSON.parse(input) }]) }
  }
  return word === "long"
    ? { ...says(anthropicEvents, words), delayMs: 20 }
    : says(anthropicEvents, ["Hello you."])
}

function says(anthropicEvents, text) {
  return { steps: anthropicEvents([{ type: "text", text }]) }
}
