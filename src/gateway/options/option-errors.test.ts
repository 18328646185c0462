import { expect, it } from "vitest"
import { createAgent } from "../create-agent.ts"
import { createGateway } from "../create-gateway.ts"

/** Creates an agent with options that untyped code could pass. */
const create = (options: object) => () => createAgent("Hi.", options)

it.each([
  [{ maxTurn: 3 }, "createAgent: unknown option maxTurn (did you mean maxTurns?)"],
  [{ limits: { bodyByte: 3 } }, "createAgent: unknown option limits.bodyByte (did you mean bodyBytes?)"],
  [
    { codeExecution: { memoryMB: 64 } },
    "createAgent: unknown option codeExecution.memoryMB (did you mean memoryMb?)",
  ],
  [{ skills: "x" }, "createAgent: unknown option skills (did you mean skillsDir?)"],
  [{ somethingElse: 1 }, "createAgent: unknown option somethingElse"],
  [
    { validApiKeys: [""] },
    "createAgent: validApiKeys[0]: is empty. If it comes from an environment variable, set that variable",
  ],
  [{ maxTurns: 0 }, "createAgent: maxTurns: must be greater than 0"],
])("explains %j", (options, message) => {
  expect(create(options)).toThrow(message)
})

it("names the agent that an unknown option belongs to", () => {
  expect(() => createGateway({ agents: { a: { systemPrompt: "", tool: [] } as never } })).toThrow(
    "createGateway: agents.a: unknown option tool (did you mean tools?)",
  )
})

it.each(["memroy", "memori", "sqlite", "Memory"])(
  "refuses the store %j, which is neither a path nor a URL",
  (store) => {
    expect(create({ store })).toThrow("createAgent: store: expected")
  },
)

it.each(["./data", "data/agent", ".agent-gateway", "/var/lib/agent", "memory"])(
  "accepts the store %j",
  (store) => {
    expect(create({ store })).not.toThrow()
  },
)
