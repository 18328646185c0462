import { anthropicEvents } from "../../src/testing/provider/anthropic-wire.ts"
import type { ScriptedUpstream, UpstreamReply } from "../../src/testing/provider/scripted-upstream.ts"
import { pausing, startModel } from "../end-to-end/support/model.ts"
import type { OnEnd } from "../end-to-end/support/on-end.ts"

const words = Array.from({ length: 20 }, (_, index) => `wörd${index + 1}`)
/** The model's response to `hold`. In the middle of it, the model waits for `release`. */
export const heldText = words.join(" ")
const wordsBeforeHold = 10

export interface ScriptedModel extends ScriptedUpstream {
  /** Continues all held responses. */
  release(): void
}

/** Text with each kind of block, and with text that must never become markup. */
const markdown = [
  "## Plan",
  "Some **bold** and `code` and <b>markup</b> &amp; more.",
  "- one\n- two",
  "| a | b |\n|:--|--:|\n| 1 | 2 |",
  "```ts\nconst answer: number = 42\n```",
  "[safe](https://example.com/) [script](javascript:alert(1)) ![leak](https://example.com/leak.png?secret=1)",
  '<img src=x onerror="globalThis.wasHacked = true"><script>globalThis.wasHacked = true</script>',
].join("\n\n")

interface Block {
  readonly type: string
  readonly text?: string
  readonly content?: unknown
}

/** The provider's own message in its response to `refuse`. */
export const refusedBecause = "max_tokens: 99 is too large"

const refusal: UpstreamReply = {
  status: 400,
  headers: { "content-type": "application/json" },
  steps: [JSON.stringify({ error: { type: "invalid_request_error", message: refusedBecause } })],
}

/**
 * Starts a model that follows the last message: `hold`, `markdown`, `think`, `refuse`, `call|TOOL|INPUT`, or an echo.
 */
export async function startScriptedModel(onEnd?: OnEnd): Promise<ScriptedModel> {
  let held = Promise.withResolvers<void>()
  const model = await startModel(({ body }) => {
    const { messages, system = "" } = body as {
      readonly system?: unknown
      readonly messages: readonly { readonly content: string | readonly Block[] }[]
    }
    if (JSON.stringify(system).includes("You write summaries")) return says(["They counted **sheep**."])
    const content = messages.at(-1)?.content ?? ""
    const blocks = typeof content === "string" ? [{ type: "text", text: content }] : content
    // The gateway's note on background tasks is not a message of the user.
    const texts = blocks.flatMap(({ type, text = "" }) => (type === "text" ? [text] : []))
    const said = texts.findLast((text) => !text.startsWith("[Note of the gateway"))
    const result = blocks.find(({ type }) => type === "tool_result")
    // A steering message arrives together with the results of the calls before it.
    if (said === undefined) return says(["Result: ", JSON.stringify(result?.content)])
    const [word = "", name = "", ...input] = said.split("|")
    if (word === "call")
      return {
        steps: anthropicEvents([{ type: "toolCall", name, input: JSON.parse(input.join("|") || "{}") }]),
      }
    if (word === "refuse") return refusal
    if (word === "markdown") return says(markdown.match(/[\s\S]{1,9}/g) ?? [])
    if (word === "think") {
      return {
        steps: anthropicEvents([
          { type: "thinking", text: ["Let me ", "see."] },
          { type: "text", text: ["Seen."] },
        ]),
      }
    }
    if (word === "hold") {
      const text = words.map((each, at) => (at === 0 ? each : ` ${each}`))
      return pausing(text, wordsBeforeHold, held.promise)
    }
    return says(["You said: ", said])
  }, onEnd)
  return {
    ...model,
    release() {
      held.resolve()
      held = Promise.withResolvers()
    },
  }
}

function says(text: readonly string[]) {
  return { steps: anthropicEvents([{ type: "text", text }]) }
}
