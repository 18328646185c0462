import { constants } from "node:os"

export const exitCodes = {
  success: 0,
  failure: 1,
  usage: 2,
  /** As for a wrong call: whoever can spend more has to call it in another way. */
  budget: 2,
  maxTurns: 3,
  /** The address cannot be listened on: no change of the agent's files would mend that. */
  cannotListen: 4,
} as const

/** Returns the code that a shell reports for a program ended by this signal. */
export function exitCodeOfSignal(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal]
}
