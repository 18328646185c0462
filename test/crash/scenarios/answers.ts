import { calls } from "../support/model.ts"
import { done, pay, type Scenario } from "./scenario.ts"

/** Scenarios in which a run waits for answers. */
export const answerScenarios = {
  approve: approveAfter(0),
  edit: {
    model: (call) => (call.turn > 0 ? done : calls(call, [pay(2)])),
    runs: 1,
    ending: "completed",
    async play(client, message) {
      await client.chat({ message })
      await client.decide(await client.see("tool_approval_request"), {
        approved: true,
        tool_input: { amount: 20 },
      })
    },
  },
  deny: {
    model: (call) => (call.turn > 0 ? done : calls(call, [pay(3)])),
    runs: 1,
    ending: "completed",
    async play(client, message) {
      await client.chat({ message })
      await client.decide(await client.see("tool_approval_request"), {
        approved: false,
        reason: "Not today.",
      })
    },
  },
  grant: {
    model: (call) => (call.turn > 1 ? done : calls(call, [pay(4)])),
    runs: 1,
    ending: "completed",
    async play(client, message) {
      await client.chat({ message })
      await client.decide(await client.see("tool_approval_request"), {
        approved: true,
        allow_tool_type: true,
      })
    },
  },
  three: {
    model: (call) => (call.turn > 0 ? done : calls(call, [pay(1), pay(2), { name: "charge" }, pay(3)])),
    runs: 1,
    ending: "completed",
    async play(client, message) {
      await client.chat({ message })
      const asked = await client.seeAll("tool_approval_request", 3)
      for (const each of asked.toReversed())
        await client.decide(each, { approved: each.tool_input.amount !== 2 })
    },
  },
  /** Messages are queued behind a pending approval. */
  queue: {
    model: (call) => (call.turn > 0 ? done : calls(call, [pay(1)])),
    runs: 3,
    ending: "completed",
    async play(client, message) {
      await client.chat({ message })
      const first = await client.see("tool_approval_request")
      await client.chat({ message, when_busy: "queue" })
      const last = await client.chat({ message, when_busy: "queue" })
      await client.decide(first, { approved: true })
      for (const count of [2, 3]) {
        const asked = await client.seeAll("tool_approval_request", count)
        await client.decide(asked[count - 1] ?? first, { approved: true })
      }
      await last.ended
    },
  },
  /** A message joins a run that waits for an approval. */
  steer: {
    model: (call) => (call.turn > 0 ? done : calls(call, [pay(1)])),
    runs: 1,
    ending: "completed",
    async play(client, message) {
      await client.chat({ message })
      const asked = await client.see("tool_approval_request")
      await client.steer("And be quick.")
      await client.steer("Please.")
      await client.decide(asked, { approved: true })
    },
  },
  /** The run is parked before its approval is answered, even if the gateway is slow. */
  patient: approveAfter(10_000),
  client: {
    model: (call) =>
      call.turn > 0 ? done : calls(call, [{ name: "ask_client", input: { question: "How warm is it?" } }]),
    runs: 1,
    ending: "completed",
    async play(client, message) {
      await client.chat({ message })
      await client.submit(await client.seeCallOfMine(), { degrees: 21 })
    },
  },
  elicit: {
    model: (call) => (call.turn > 0 ? done : calls(call, [register(1), register(2)])),
    runs: 1,
    ending: "completed",
    async play(client, message) {
      await client.chat({ message })
      const [first, second] = await client.seeAll("elicitation_request", 2)
      if (second !== undefined) await client.respond(second, { action: "decline" })
      if (first !== undefined) await client.respond(first, { action: "accept", content: { name: "Ada" } })
    },
  },
} satisfies Readonly<Record<string, Scenario>>

/** Waits this many milliseconds before it decides, unless the gateway dies first. */
function approveAfter(restMs: number): Scenario {
  return {
    model: (call) => (call.turn > 0 ? done : calls(call, [pay(1)])),
    runs: 1,
    ending: "completed",
    async play(client, message) {
      await client.chat({ message })
      const asked = await client.see("tool_approval_request")
      await client.rest(restMs)
      await client.decide(asked, { approved: true })
    },
  }
}

function register(room: number) {
  return { name: "register", input: { room } }
}
