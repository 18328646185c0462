import { beforeAll, describe, expect, test } from "vitest"
import { createGateway } from "../../src/gateway/create-gateway.ts"
import { tool } from "../../src/kernel/tools/local-tool.ts"
import { wait } from "../../src/kernel/tools/wait.ts"
import { scriptedProvider } from "../../src/testing/provider/scripted-provider.ts"
import { quiet } from "../contract/gateway-under-test.ts"
import { atEndOfFile } from "./support/on-end.ts"
import { startPostgres } from "./support/postgres.ts"
import { temporaryFolder } from "./support/temporary-folder.ts"

const onEnd = atEndOfFile()
const stores = new Map<string, string>()

beforeAll(async () => {
  const postgres = await startPostgres(onEnd)
  stores.set("SQLite", await temporaryFolder(onEnd))
  stores.set("Postgres", await postgres.createDatabase("child_storage"))
})

const delegate = tool({
  name: "delegate",
  description: "Hands a task to another agent.",
  inputSchema: { type: "object" },
  execute: (_input, { answered }) =>
    answered?.kind === "child" ? answered.response : wait.child({ agent: "worker", message: "Work." }),
})

/** A model that delegates once and then responds with the result that it received. */
const leader = scriptedProvider(({ messages }) => {
  const last = messages.at(-1)
  if (last?.role === "tool") return [{ type: "text", text: JSON.stringify(last.results) }]
  return [{ type: "toolCall", name: "delegate", input: {} }]
})

describe.each(["SQLite", "Postgres"])("a child of a user on %s", (name) => {
  test("starts while there is storage, and is refused with an error for the model once there is none", async () => {
    const worker = scriptedProvider(() => [{ type: "text", text: "x".repeat(5_000) }])
    const options = {
      store: stores.get(name) ?? "",
      logger: quiet,
      agents: {
        lead: { systemPrompt: "You lead.", provider: leader, tools: [delegate] },
        worker: { systemPrompt: "You work.", provider: worker },
      },
    }
    const roomy = createGateway(options)
    expect((await roomy.run("Go.")).response).toContain("x".repeat(5_000))
    await roomy.close({ graceMs: 0 })
    expect(worker.requests).toHaveLength(1)

    const full = createGateway({ ...options, limits: { principalBytes: 5_000 } })
    const { outcome, response } = await full.run("Go.")
    await full.close({ graceMs: 0 })
    expect(outcome).toBe("completed")
    expect(response).toContain("storage_full")
    expect(response).toContain("Do the task without one.")
    expect(worker.requests).toHaveLength(1)
  })
})
