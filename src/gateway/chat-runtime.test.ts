import { describe, expect, it } from "vitest"
import { scriptedProvider } from "../testing/scripted-provider.ts"
import { type ChatRuntime, type RuntimeSurroundings, toAgentRuntime } from "./chat-runtime.ts"

const surroundings: RuntimeSurroundings = {
  provider: scriptedProvider([]),
  model: null,
  allowedModels: undefined,
  mcp: { tools: () => [], instructions: () => [] },
  hooks: {},
  grants: async () => [],
  logger: { debug() {}, info() {}, warn() {}, error() {} },
}

describe("the model of a run", () => {
  it.each([
    ["the app's", "own", null, undefined, "own"],
    ["the app's, whatever the client asks for", "own", "asked", undefined, "own"],
    ["the client's, where the app lets it choose that", "own", "asked", ["asked"], "asked"],
    ["the app's, where the client asks for another", "own", "asked", ["small"], "own"],
    ["the client's, where the app has none", undefined, "asked", undefined, "asked"],
    ["the client's, where the app has none and lists it", undefined, "asked", ["asked"], "asked"],
    ["the provider's, where the app lists others", undefined, "asked", ["small"], "scripted-model"],
    ["the provider's, where nobody says", undefined, null, undefined, "scripted-model"],
  ])("is %s", (_, own, asked, allowedModels, model) => {
    const chat = { systemPrompt: "Hi.", ...(own === undefined ? {} : { model: own }) }
    expect(toAgentRuntime(chat, { ...surroundings, model: asked, allowedModels })).toMatchObject({ model })
  })
})

describe("what buildChatRuntime returns", () => {
  it.each([
    [undefined, "options: "],
    ["Hi.", "options: "],
    [{}, "systemPrompt: expected a string or an array"],
    [{ systemPrompt: ["Hi."] }, "systemPrompt: expected a string or an array"],
    [{ systemPrompt: "Hi.", needApproval: () => true }, "unknown option needApproval"],
    [{ systemPrompt: "Hi.", interceptors: [{}] }, "interceptors.0: expected a function"],
    [{ systemPrompt: "Hi.", toolTimeoutMs: 2 ** 31 }, "toolTimeoutMs: "],
    [{ systemPrompt: "Hi.", maxTurns: 0 }, "maxTurns: "],
    [{ runner: "mine" }, "runner: expected a function"],
    [{ runner: async function* () {}, systemPrompt: "Hi." }, "unknown option systemPrompt"],
  ])("is refused when it is like %j", (chat, message) => {
    const refused = { code: "invalid_configuration", message: expect.stringContaining(`: ${message}`) }
    expect(() => toAgentRuntime(chat as unknown as ChatRuntime, surroundings)).toThrow(
      expect.objectContaining(refused),
    )
  })

  it("may leave an option undefined", () => {
    const chat = {
      systemPrompt: [{ text: "Hi.", cache: true }],
      maxTurns: undefined,
    } as unknown as ChatRuntime
    expect(toAgentRuntime(chat, surroundings)).toMatchObject({ type: "model", maxTurns: null })
  })
})
