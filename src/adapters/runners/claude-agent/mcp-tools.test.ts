import { expect, it } from "vitest"
import type { Tool } from "../../../core/ports/tools/tool.ts"
import type { RunnerRequest } from "../../../core/runs/runner.ts"
import { createDeferred, createRunner, payTool, selectResults } from "../fixtures/claude-runner.ts"
import { collect, createDecidedRequest, createRequest } from "../fixtures/runner-calls.ts"
import { createQueryResult, type ScriptedClaude, streamMessage } from "../fixtures/scripted-claude.ts"

const origin = { server: "shop", tool: "pay", identity: "address", digest: "one" }
const pay = { id: "toolu_1", name: "mcp__gateway__shop_pay", input: { amount: 9 } }

/** Returns a tool of an MCP server, and the function that lists it for a runner. */
function serverTool(options: Partial<Tool>) {
  const { tool: made, execute } = payTool({ name: "shop_pay", origin, ...options })
  const listTools: RunnerRequest["listTools"] = async (own) => [...own, made]
  return { execute, listTools }
}

it("offers the tools of the agent's MCP servers beside its own, and executes them in this process", async () => {
  const { execute, listTools } = serverTool({})
  const { tool: own } = payTool()
  const { runner, queries } = await createRunner(
    [
      async function* (claude) {
        yield* streamMessage("", [pay])
        expect(await claude.hook(pay.id, pay.name, pay.input)).toMatchObject({ permissionDecision: "allow" })
        await claude.call(pay.id, "shop_pay", { amount: 9 })
        yield createQueryResult()
      },
    ],
    { tools: [own] },
  )
  const events = await collect(runner, createRequest({ listTools }))
  expect(execute).toHaveBeenCalledOnce()
  expect(selectResults(events)).toMatchObject([{ id: pay.id, result: { value: { paid: { amount: 9 } } } }])
  expect(queries[0]?.settings).toMatchObject({ permissions: { ask: ["mcp__gateway__pay", pay.name] } })
})

const asking = async function* (claude: ScriptedClaude) {
  yield* streamMessage("", [pay])
  await claude.hook(pay.id, pay.name, pay.input)
  yield createDeferred(pay.id)
}
const continuing = async function* (claude: ScriptedClaude) {
  await claude.hook(pay.id, pay.name, pay.input)
  await claude.call(pay.id, "shop_pay", pay.input)
  yield createQueryResult()
}

it("asks a person about one tool of one server, and executes the call if the tool is still the same", async () => {
  const { execute, listTools } = serverTool({ needsApproval: true })
  const { runner, writeTranscript } = await createRunner([asking, continuing])
  const events = await collect(runner, createRequest({ listTools }))
  expect(events.at(-1)).toMatchObject({ type: "toolCall", name: "shop_pay", approval: { origin } })
  await writeTranscript()
  await collect(runner, { ...createDecidedRequest(events, [{ id: pay.id }]), listTools })
  expect(execute).toHaveBeenCalledOnce()
})

it("does not execute an allowed call if the server has changed the tool", async () => {
  const before = serverTool({ needsApproval: true })
  const after = serverTool({ needsApproval: true, origin: { ...origin, digest: "two" } })
  const { runner, writeTranscript } = await createRunner([asking, continuing])
  const events = await collect(runner, createRequest({ listTools: before.listTools }))
  await writeTranscript()
  const request = { ...createDecidedRequest(events, [{ id: pay.id }]), listTools: after.listTools }
  expect(selectResults(await collect(runner, request))).toMatchObject([{ result: { code: "tool_changed" } }])
  expect(after.execute).not.toHaveBeenCalled()
})
