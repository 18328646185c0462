import { join } from "node:path"
import type { Logger } from "../../src/core/ports/logger.ts"
import {
  createAgent,
  type Gateway,
  GatewayError,
  HeartbeatLoop,
  runAutonomous,
  tool,
} from "../../src/index.ts"
import type {
  AnthropicAnswerOptions,
  AnthropicAnswerPart,
} from "../../src/testing/provider/anthropic-wire.ts"
import type { ModelRequest } from "./requests.ts"

/** One response of the scripted model. */
export interface ModelResponse extends AnthropicAnswerOptions {
  readonly parts: readonly AnthropicAnswerPart[]
}

/** Options of an agent of this product that uses the scripted model. */
export interface ModelOptions {
  readonly provider: "anthropic"
  readonly apiKey: string
  readonly providerConfig: { readonly baseURL: string }
  readonly store: string
  readonly logger: Logger
}

interface AnyScript {
  readonly name: string
  /** Files in the folder of the script, by path. Each side has its own folder. */
  readonly files?: Readonly<Record<string, string>>
  /** Texts of the tasks that sub-agents receive. Default: there is no sub-agent. */
  readonly tasks?: readonly string[]
  respond(request: ModelRequest): readonly AnthropicAnswerPart[] | ModelResponse
}

/** Messages to a server over HTTP. The client of both sides is the same. */
export interface ConversationScript extends AnyScript {
  readonly messages: readonly string[]
  serve(options: ModelOptions, folder: string): Gateway
}

/** Runs without a client. */
export interface RunScript extends AnyScript {
  run(options: ModelOptions, folder: string): Promise<unknown>
}

export type Script = ConversationScript | RunScript

const prompt = "You look after a shop."
/** The default model of the Python package. Only the script `plain` uses the default of each side. */
const model = "claude-sonnet-4-6"
const findOrder = tool({
  name: "find_order",
  description: "Returns an order.",
  inputSchema: {
    type: "object",
    properties: { order: { type: "integer", description: "Number of the order." } },
    required: ["order"],
  },
  execute({ order }) {
    if (order !== 7) throw new GatewayError({ code: "not_found", status: 404 }, "There is no such order.")
    return { order: 7, status: "sent", items: ["lamp"] }
  },
})
const tools = [findOrder]

/** The ten scripts. `play.py` has the same agents and runs under the same names. */
export const scripts: readonly Script[] = [
  {
    name: "plain",
    messages: ["Hello.", "When do you open?"],
    serve: (options) => createAgent(prompt, options),
    respond: ({ step }) => [say(step === 0 ? "Hello! How can I help?" : "At nine.")],
  },
  {
    name: "tools",
    messages: ["Where are the orders 7 and 8?"],
    serve: (options) => createAgent(prompt, { ...options, model, tools }),
    respond: ({ step }) =>
      [
        [say("I look."), call("find_order", { order: 7 }), call("find_order", { order: 8 })],
        [call("find_order", { order: 7 })],
      ][step] ?? [say("Order 7 is sent.")],
  },
  {
    name: "thinking",
    messages: ["Where is order 7?"],
    serve: (options) => createAgent(prompt, { ...options, model: "claude-sonnet-4-5", tools }),
    respond: ({ step }) =>
      step === 0
        ? [{ type: "thinking", text: "It is order 7." }, call("find_order", { order: 7 })]
        : [say("It is sent.")],
  },
  {
    name: "skill",
    files: { "skills/returns.md": "You handle returns. Be brief." },
    tasks: ["Judge the return."],
    messages: ["Can order 7 be returned?"],
    serve: (options, folder) =>
      createAgent(prompt, { ...options, model, tools, skillsDir: join(folder, "skills"), subAgents: true }),
    respond({ task, step }) {
      if (task !== null) {
        return step === 0 ? [call("find_order", { order: 7 })] : [say("It can be returned.")]
      }
      return step === 0
        ? [call("run_agent", { agent: "returns", task: "Judge the return." })]
        : [say("Yes, it can.")]
    },
  },
  {
    name: "sub-agents",
    tasks: ["Task A.", "Task B.", "Task C."],
    messages: ["Compare our prices."],
    serve: (options) => createAgent(prompt, { ...options, model, tools, subAgents: true }),
    respond({ task, lastText, step }) {
      if (task !== null) return [say(`Done: ${task}`)]
      const taskId = /task_id\W+(\w+)/.exec(lastText)?.[1] ?? ""
      return (
        [
          [call("run_agent", { task: "Task A." }), call("run_agent", { task: "Task B." })],
          [call("run_agent", { task: "Task C.", background: true })],
          [call("get_background_result", { task_id: taskId, wait: true })],
        ][step] ?? [say("All are compared.")]
      )
    },
  },
  {
    name: "budget",
    run: (options) =>
      runAutonomous(prompt, "Look at order 7.", { ...options, model, tools, maxBudgetUsd: 0.05 }),
    respond: ({ step }) => ({
      parts: step < 3 ? [call("find_order", { order: 7 })] : [say("It is sent.")],
      outputTokens: 1_000,
    }),
  },
  {
    name: "state",
    async run(options, folder) {
      const stateDir = join(folder, "state")
      for (let run = 0; run < 2; run++)
        await runAutonomous(prompt, "Count the orders.", { ...options, model, stateDir })
    },
    respond: () => [say('Four.\n\n## STATE_UPDATE_JSON\n```json\n{ "orders": 4 }\n```')],
  },
  heartbeat("heartbeat, quiet", "HEARTBEAT_OK"),
  heartbeat("heartbeat, alert", "The shop is closed."),
  {
    name: "code with a plot",
    messages: ["Plot the orders."],
    serve: (options, folder) =>
      createAgent(prompt, {
        ...options,
        model,
        codeExecution: { backends: ["subprocess"], directory: join(folder, "sandbox") },
      }),
    respond: ({ step }) =>
      step === 0 ? [call("code_execute", { code: plotCode })] : [say("This is the plot.")],
  },
]

const plotCode = `import matplotlib.pyplot as plt
plt.plot([1, 2, 4])
plt.show()
print("plotted")`

function heartbeat(name: string, response: string): RunScript {
  return {
    name,
    files: { "HEARTBEAT.md": "- Is the shop open?\n" },
    run(options, folder) {
      const message = "Look at HEARTBEAT.md. If all is well, respond with HEARTBEAT_OK."
      const config = { checklistPath: join(folder, "HEARTBEAT.md"), maxTicks: 1 }
      return new HeartbeatLoop({
        config,
        run: () => runAutonomous(prompt, message, { ...options, model, tools }),
      }).start()
    },
    respond: ({ step }) => (step === 0 ? [call("find_order", { order: 7 })] : [say(response)]),
  }
}

function say(text: string): AnthropicAnswerPart {
  return { type: "text", text }
}

function call(name: string, input: Readonly<Record<string, string | number | boolean>>): AnthropicAnswerPart {
  return { type: "toolCall", name, input }
}
