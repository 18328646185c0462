/**
 * The open spans of this process, by the id of their work: a run, a turn or a compaction (for its model attempt), a
 * tool call, or the delivery of an outbox item.
 */
export interface Traces {
  /** Returns the `traceparent` of the span, for requests that belong to its work. Null if there is no such span. */
  traceparentOf(id: string): string | null
  /** Calls the function so that spans of the application's own code become children of the span. */
  within<Value>(id: string, work: () => Value): Value
}

export const noTraces: Traces = { traceparentOf: () => null, within: (_, work) => work() }

/** Returns the id of an item's delivery. The id of an outbox item is unique only in its session. */
export function toDeliveryId({ sessionId, id }: { readonly sessionId: string; readonly id: string }): string {
  return `delivery ${sessionId} ${id}`
}
