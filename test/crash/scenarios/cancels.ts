import { calls, says } from "../support/model.ts"
import { done, pay, type Scenario } from "./scenario.ts"

/** Scenarios in which the client cancels or withdraws runs. */
export const cancelScenarios = {
  cancelText: {
    // This response is long, so that even a slow client cancels it before its end. The same holds for the calls of
    // `cancelTool`.
    model: () => says(120, 100),
    runs: 1,
    ending: "cancelled",
    async play(client, message) {
      const { runId } = await client.chat({ message })
      await client.seeAll("text_delta", 2)
      await client.cancel(runId)
    },
  },
  cancelLate: {
    model: () => says(8, 3),
    runs: 1,
    ending: "cancelled",
    async play(client, message) {
      const { runId } = await client.chat({ message })
      await client.see("text_delta")
      await client.cancel(runId)
    },
  },
  cancelTool: {
    model: (call) =>
      call.turn > 0
        ? done
        : calls(call, [
            { name: "charge", input: { ms: 15_000 } },
            { name: "reserve", input: { ms: 15_000 } },
          ]),
    runs: 1,
    ending: "cancelled",
    async play(client, message) {
      const { runId } = await client.chat({ message })
      await client.see("tool_call_start")
      await client.cancel(runId)
    },
  },
  cancelQuestion: {
    model: (call) => (call.turn > 0 ? done : calls(call, [pay(1), { name: "charge" }])),
    runs: 1,
    ending: "cancelled",
    async play(client, message) {
      const { runId } = await client.chat({ message })
      await client.see("tool_approval_request")
      await client.cancel(runId)
    },
  },
  interrupt: {
    model: ({ earlierCalls }) => (earlierCalls === 0 ? says(120, 100) : done),
    runs: 2,
    ending: "cancelled",
    async play(client, message) {
      await client.chat({ message })
      await client.see("text_delta")
      await client.chat({ message, when_busy: "interrupt" })
    },
  },
  /** The client takes the place of the first run while the second one responds and a third one is queued. */
  supersede: {
    model: ({ earlierCalls }) => (earlierCalls === 1 ? says(120, 100) : done),
    runs: 4,
    ending: "cancelled",
    async play(client, message) {
      const first = await client.chat({ message })
      await first.ended
      await client.chat({ message })
      const queued = await client.chat({ message, when_busy: "queue" })
      client.cancelsAsked.add(queued.runId)
      await client.chat({ message, supersede: { run_id: first.runId } })
    },
  },
  /** The client withdraws one of the queued messages. */
  withdraw: {
    model: (call) => (call.turn > 0 ? done : calls(call, [pay(1)])),
    runs: 3,
    ending: "completed",
    async play(client, message) {
      await client.chat({ message })
      const first = await client.see("tool_approval_request")
      const { runId } = await client.chat({ message, when_busy: "queue" })
      await client.chat({ message, when_busy: "queue" })
      await client.cancel(runId)
      await client.decide(first, { approved: true })
      const [, second = first] = await client.seeAll("tool_approval_request", 2)
      await client.decide(second, { approved: true })
    },
  },
} satisfies Readonly<Record<string, Scenario>>
