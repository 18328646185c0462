import { execFile } from "node:child_process"
import { setTimeout as delay } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { expect, test, vi } from "vitest"
import type { EventEntry } from "../../src/core/log/entries.ts"
import { all, resolutions } from "./checks/observation.ts"
import { calls, type Script, says } from "./support/model.ts"
import { serving } from "./support/serving.ts"

const run = promisify(execFile)
const program = fileURLToPath(new URL("../../bin/agent-gateway.js", import.meta.url))

/** Returns a script that makes these calls and then responds. */
function script(...tools: Parameters<typeof calls>[1]): Script {
  return (call) => (call.turn > 0 ? says(3) : calls(call, tools))
}

const decisions = (events: readonly EventEntry[]) =>
  resolutions(events, "approval").map(({ resolution, decidedBy }) => ({ ...resolution, decidedBy }))
const answers = (events: readonly EventEntry[]) =>
  resolutions(events, "elicitation").map(({ resolution, decidedBy }) => ({ ...resolution, decidedBy }))

const pay = (amount: number) => ({ name: "pay", input: { amount } })

/** Returns the request for an answer about a payment of this amount. */
function about<Question extends { readonly tool_input: Readonly<Record<string, unknown>> }>(
  questions: readonly Question[],
  amount: number,
): Question {
  const question = questions.find(({ tool_input }) => tool_input.amount === amount)
  if (question === undefined) throw new Error(`Nobody asked about ${amount}.`)
  return question
}

test("an approval that was requested before a kill is answered after it, and the tool runs exactly once", async () => {
  const { client, message, kill, start, effects, events } = await serving(script(pay(1)))
  const { ended } = await client.chat({ message })
  const asked = await client.see("tool_approval_request")
  await kill()
  expect(await effects()).toEqual([])
  start()
  await client.decide(asked, { approved: true })
  await ended
  expect(await effects()).toMatchObject([
    { tool: "pay", toolCallId: asked.tool_call_id, input: { amount: 1 } },
  ])
  expect(all(await events(), "runCompleted")).toMatchObject([{ disposition: "completed" }])
})

test("an answer that was acknowledged right before a kill takes effect at the next start", async () => {
  const { client, message, kill, start, effects, events } = await serving(script(pay(1)))
  const { ended } = await client.chat({ message })
  const asked = await client.see("tool_approval_request")
  await client.decide(asked, { approved: true, tool_input: { amount: 5 } })
  await kill()
  start()
  await ended
  const [completed] = all(await events(), "toolCallCompleted")
  const [interrupted] = all(await events(), "toolCallInterrupted")
  expect(decisions(await events())).toMatchObject([{ approved: true, editedInput: { amount: 5 } }])
  // The killed process may have started already. The log decides.
  if (completed !== undefined) expect(await effects()).toMatchObject([{ tool: "pay", input: { amount: 5 } }])
  else expect(interrupted).toMatchObject({ reason: "crashed", outcome: "unknown" })
  expect((await effects()).length).toBeLessThanOrEqual(1)
})

test("a client tool's call from before a kill is answered after it, once", async () => {
  const { client, message, kill, start, modelCalls } = await serving(
    script({ name: "ask_client", input: { question: "How warm is it?" } }),
  )
  const { ended } = await client.chat({ message })
  const call = await client.seeCallOfMine()
  await kill()
  start()
  await client.submit(call, { degrees: 21 })
  await ended
  expect(modelCalls()).toHaveLength(2)
  expect(JSON.stringify(modelCalls()[1])).toContain('{\\"degrees\\":21}')
})

test("three approvals are answered after a kill in another order, and each takes effect at once", async () => {
  const { client, message, kill, start, effects, events } = await serving(script(pay(1), pay(2), pay(3)))
  const { ended } = await client.chat({ message })
  const asked = await client.seeAll("tool_approval_request", 3)
  await kill()
  const amounts: number[] = []
  start()
  for (const amount of [3, 1, 2]) {
    await client.decide(about(asked, amount), { approved: true })
    amounts.push(amount)
    await client.seeAll("tool_call_complete", amounts.length)
    expect((await effects()).map(({ input }) => input.amount)).toEqual(amounts)
  }
  await ended
  expect(all(await events(), "runCompleted")).toHaveLength(1)
})

test("a tool's question from before a kill is answered after it, and the tool continues with the answer", async () => {
  const { client, message, kill, start, effects, events } = await serving(
    script({ name: "register", input: { room: 7 } }),
  )
  const { ended } = await client.chat({ message })
  const asked = await client.see("elicitation_request")
  await kill()
  expect(await effects()).toEqual([])
  start()
  await expect(client.respond(asked, { action: "accept", content: {} })).rejects.toThrow("invalid_answer")
  await client.respond(asked, { action: "accept", content: { name: "Ada" } })
  await ended
  expect(await effects()).toMatchObject([{ tool: "register", toolCallId: asked.tool_call_id }])
  expect(all(await events(), "toolCallCompleted")).toMatchObject([
    { result: { value: { room: 7, name: "Ada" } } },
  ])
  expect(all(await events(), "waitOpened")).toHaveLength(1)
})

test("a question from inside a call ends with a kill: the call was interrupted, and no one can answer", async () => {
  const { client, message, kill, start, effects, events } = await serving(script({ name: "confirm" }))
  const { ended } = await client.chat({ message })
  const asked = await client.see("elicitation_request")
  await kill()
  start()
  await ended
  await expect(client.respond(asked, { action: "accept", content: { name: "Ada" } })).rejects.toThrow(
    "wait_expired",
  )
  expect(await effects()).toEqual([])
  expect(answers(await events())).toMatchObject([{ action: "cancel", decidedBy: null }])
  expect(all(await events(), "toolCallInterrupted")).toMatchObject([
    { reason: "crashed", outcome: "unknown" },
  ])
  expect(all(await events(), "runCompleted")).toMatchObject([{ disposition: "completed" }])
})

test("a question inside a call may be answered while no process runs, and the call is interrupted", async () => {
  const { client, message, kill, start, store, effects, events } = await serving(script({ name: "confirm" }))
  const { ended } = await client.chat({ message })
  const asked = await client.see("elicitation_request")
  await kill()
  const given = ["--content", '{"name":"Ada"}', "--store", store]
  await run(process.execPath, [program, "approvals", "answer", asked.tool_call_id, ...given])
  start()
  await ended
  expect(await effects()).toEqual([])
  expect(answers(await events())).toMatchObject([
    { action: "accept", content: { name: "Ada" }, decidedBy: { via: "cli" } },
  ])
  expect(all(await events(), "toolCallInterrupted")).toMatchObject([
    { reason: "crashed", outcome: "unknown" },
  ])
})

test("a sleeping tool is executed again once after a kill, at its time", async () => {
  const { client, message, kill, start, effects, events } = await serving(
    script({ name: "nap", input: { ms: 1_500 } }),
  )
  const { ended } = await client.chat({ message })
  const opened = () => events().then((all) => all.some(({ event }) => event.type === "waitOpened"))
  await vi.waitFor(async () => expect(await opened()).toBe(true))
  await kill()
  expect(await effects()).toEqual([])
  start()
  await ended
  const [wait] = all(await events(), "waitOpened")
  expect(wait).toMatchObject({ kind: "timer", continuation: { ms: 1_500 } })
  expect(await effects()).toMatchObject([{ tool: "nap", input: { ms: 1_500 } }])
  expect(resolutions(await events(), "timer")).toHaveLength(1)
  const resumed = (await events()).filter(({ event }) => event.type === "waitResolved")
  expect(resumed[0]?.at).toBeGreaterThanOrEqual(wait?.expiresAt ?? Number.POSITIVE_INFINITY)
  expect(all(await events(), "toolCallCompleted")).toMatchObject([
    { result: { value: { kind: "timer", continuation: { ms: 1_500 } } } },
  ])
})

test("an approval in the terminal while no server runs takes effect at the next start", async () => {
  const { client, message, kill, start, store, effects, events } = await serving(script(pay(1), pay(2)))
  const { ended } = await client.chat({ message })
  const asked = await client.seeAll("tool_approval_request", 2)
  const [first, second] = [about(asked, 1), about(asked, 2)]
  await kill()
  const approvals = (...args: readonly string[]) =>
    run(process.execPath, [program, "approvals", ...args, "--store", store])
  expect((await approvals("list")).stdout).toContain(first.tool_call_id)
  await approvals("approve", first.tool_call_id, "--edited-input", '{"amount":7}', "--user", "ops")
  await approvals("deny", second.tool_call_id, "--reason", "Once is enough.")
  await expect(approvals("approve", second.tool_call_id)).rejects.toThrow()
  expect(await effects()).toEqual([])
  start()
  await ended
  expect(await effects()).toMatchObject([{ toolCallId: first.tool_call_id, input: { amount: 7 } }])
  expect(decisions(await events())).toMatchObject([
    { decidedBy: { via: "cli", userId: "ops" } },
    { approved: false, reason: "Once is enough." },
  ])
})

test("an approval that expires while no server runs is denied at the next start", async () => {
  const { client, message, kill, start, effects, events } = await serving(script(pay(1)), {
    approvalSeconds: 1,
  })
  const { ended } = await client.chat({ message })
  const asked = await client.see("tool_approval_request")
  await kill()
  while (Date.now() <= (asked.expires_at + 1) * 1_000) await delay(50)
  start()
  await ended
  expect(await effects()).toEqual([])
  expect(decisions(await events())).toMatchObject([{ approved: false, decidedBy: null }])
})

test("a run that ends its process every time is given up", async () => {
  const { client, message, died, start, events } = await serving(script({ name: "poison" }))
  const { ended } = await client.chat({ message })
  // Two runs of the command at once would disturb each other.
  await died()
  const over = ended.then(() => "over" as const)
  let starts = 1
  while ((await Promise.race([over, start().exited])) !== "over") starts += 1
  expect(starts).toBeLessThanOrEqual(7)
  expect(all(await events(), "runFailed")).toMatchObject([{ code: "crashed_repeatedly" }])
})
