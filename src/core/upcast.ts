import type { Event } from "./entries.ts"

/** An event as it is written today, from one of version 1: nobody asked for schemas then, and nothing was priced. */
export function upcast(event: Event, version: number): Event {
  if (version >= 2) return event
  switch (event.type) {
    case "runStarted":
      return { ...event, outputSchema: null }
    case "stepRetried":
      return { ...event, modelIndex: 0 }
    case "messageCompleted":
      return { ...event, cost: null, charged: null, estimated: false }
    case "stepCompleted":
    case "runCompleted":
    case "runFailed":
      return { ...event, cost: null }
    default:
      return event
  }
}
