/** Returns the id of an event: the same however often it is reported, and no other event's. */
export function eventId(sessionId: string, seq: number): string {
  return `${sessionId}:${seq}`
}
