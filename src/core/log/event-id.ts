/** Returns the id of an event. The id is unique, and it is the same in every report of the event. */
export function toEventId(sessionId: string, seq: number): string {
  return `${sessionId}:${seq}`
}
