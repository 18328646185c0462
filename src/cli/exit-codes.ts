import { constants } from "node:os"

export const exitCodes = {
  success: 0,
  failure: 1,
  usage: 2,
  /** The address cannot be used for listening. A change of the agent's files would not fix that. */
  cannotListen: 4,
  /** `EX_TEMPFAIL` of sysexits.h: to continue the work, run the same command again. */
  unfinished: 75,
} as const

/** Returns the code that a shell reports for a program ended by this signal. */
export function toSignalExitCode(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal]
}

/** Returns the signal that ended a program with this code, as a shell reports it. Null for other codes. */
export function findExitSignal(code: number): NodeJS.Signals | null {
  const signals = Object.entries(constants.signals) as [NodeJS.Signals, number][]
  return signals.find(([, number]) => code === 128 + number)?.[0] ?? null
}

/** Reason to stop a command, used as the reason of its signal. `supervisor`: `dev` stops its worker. */
export type StopReason = "SIGINT" | "SIGTERM" | "SIGPIPE" | "supervisor"

export function toStopExitCode({ reason }: AbortSignal): number {
  return toSignalExitCode(reason === "SIGTERM" || reason === "SIGPIPE" ? reason : "SIGINT")
}
