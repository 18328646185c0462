import type { Message } from "../../../core/history/messages.ts"
import type { Event } from "../../../core/log/entries.ts"
import type { CallDetails } from "../sessions.ts"

const noDetails: CallDetails = { durationMs: null, server: null, data: [], output: [], subAgents: [] }

/** Collects the details of calls until the messages with their results are taken. */
export class FoldedCalls {
  readonly #calls = new Map<string, CallDetails>()

  apply(event: Event): void {
    switch (event.type) {
      case "historyReplaced":
        this.#calls.clear()
        return
      case "dataEmitted": {
        const { toolCallId, name, value } = event
        this.#change(toolCallId, ({ data }) => ({ data: [...data, { toolCallId, name, value }] }))
        return
      }
      case "waitOpened": {
        if (event.kind !== "child") return
        const { sessionId, agent, role: name = agent } = event.payload
        this.#change(event.toolCallId, ({ subAgents }) => ({
          subAgents: [...subAgents, { sessionId, name }],
        }))
        return
      }
      case "toolCallCompleted": {
        const { durationMs, server, output = [] } = event
        this.#change(event.toolCallId, () => ({ durationMs, server, output }))
        return
      }
      default:
    }
  }

  /** Removes and returns the details of the calls whose results are in the messages, by call. */
  take(messages: readonly Message[]): ReadonlyMap<string, CallDetails> {
    const taken = new Map<string, CallDetails>()
    for (const message of messages) {
      if (message.role !== "tool") continue
      for (const { toolCallId } of message.results) {
        const details = this.#calls.get(toolCallId)
        if (details !== undefined) taken.set(toolCallId, details)
        this.#calls.delete(toolCallId)
      }
    }
    return taken
  }

  #change(toolCallId: string, change: (details: CallDetails) => Partial<CallDetails>): void {
    const details = this.#calls.get(toolCallId) ?? noDetails
    this.#calls.set(toolCallId, { ...details, ...change(details) })
  }
}
