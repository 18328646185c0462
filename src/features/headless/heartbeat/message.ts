import { quietToken } from "./quiet.ts"

/** The task of a tick. It is the same for each, so that a job that is started again has the same message. */
export const heartbeatMessage =
  "This is a heartbeat: look whether anything needs attention, by the checklist if there is one. " +
  `If nothing does, respond with ${quietToken} ` +
  "alone on a line. Otherwise say briefly what a person must know, without that word."

/** Returns the checklist as a note of the message. */
export function formatChecklist(checklist: string): string {
  return `## CHECKLIST\n${checklist}`
}
