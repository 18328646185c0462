import { quietToken } from "./quiet.ts"

/**
 * The message of a tick, which asks for `HEARTBEAT_OK` if nothing needs attention. `agent-gateway heartbeat` sends it.
 * It is the same for each tick, so that a job that is started again has the same message.
 */
export const heartbeatMessage =
  "This is a heartbeat: look whether anything needs attention, by the checklist if there is one. " +
  `If nothing does, respond with ${quietToken} ` +
  "alone on a line. Otherwise say briefly what a person must know, without that word."
