import { rejectOnAbort } from "../../core/time/reject-on-abort.ts"
import type { ServerHandle } from "./server.ts"

/** The run that waits for servers. */
export interface Waiting {
  /** Shows the people who follow the run what it waits for. */
  readonly showStatus: (message: string) => void
  /** Ends the wait. */
  readonly signal: AbortSignal
}

/** Milliseconds after which a wait is shown. Most servers start faster. */
const silentMs = 2_000

/**
 * Resolves when each server has started or failed. Shows a wait that takes long, with the servers that cause it.
 * Rejects with the signal's reason when it aborts.
 */
export async function awaitStarts(
  servers: readonly ServerHandle[],
  { showStatus, signal }: Waiting,
): Promise<void> {
  signal.throwIfAborted()
  const listStarting = () => servers.filter(({ state }) => state.status === "starting")
  if (listStarting().length === 0) return
  const timer = setTimeout(() => {
    const late = listStarting()
    if (late.length > 0) showStatus(describe(late))
  }, silentMs)
  try {
    await rejectOnAbort(signal, Promise.all(servers.map((server) => server.settled())))
  } finally {
    clearTimeout(timer)
  }
}

function describe(servers: readonly ServerHandle[]): string {
  const names = servers.map(({ config }) => config.name).join(", ")
  const seconds = Math.ceil(Math.max(...servers.map(({ config }) => config.startTimeoutMs)) / 1_000)
  const subject = servers.length === 1 ? "the MCP server" : "the MCP servers"
  return `Waiting for ${subject} ${names} to start, for at most ${seconds} seconds.`
}
