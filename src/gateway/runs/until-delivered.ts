import { setTimeout as delay } from "node:timers/promises"
import type { RunOutput } from "../../headless/run/run-output.ts"
import type { Gateway } from "../gateway.ts"

/** Milliseconds that a run that has ended waits for its deliveries. A row whose process died is due again earlier. */
const patienceMs = 60_000
const pollMs = 50

/**
 * Waits until what the run delivers is delivered or dead, or until the signal aborts. Whatever is not delivered by
 * then is a warning of the output.
 */
export async function untilDelivered(
  { outbox }: Pick<Gateway, "outbox">,
  output: RunOutput,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<RunOutput> {
  const { sessionId } = output
  if (sessionId === null || output.parked) return output
  const isAborted = () => signal?.aborted === true
  const ends = performance.now() + patienceMs
  for (;;) {
    const rows = (await outbox.list({ sessionId })).filter(({ kind }) => kind.includes("/delivery/"))
    const isSettled = rows.every(({ state }) => state === "dead")
    if (!isSettled && !isAborted() && performance.now() < ends) {
      await delay(pollMs)
      continue
    }
    const warnings = rows.map(({ kind, state, lastError }) => {
      const channel = kind.slice(kind.lastIndexOf("/") + 1)
      const reason = lastError === null ? "" : ` ${lastError}`
      return state === "dead"
        ? `The delivery by ${channel} failed permanently:${reason} See agent-gateway outbox list.`
        : `The delivery by ${channel} is still open. A process that opens the agent again continues it.${reason}`
    })
    return { ...output, warnings: [...output.warnings, ...warnings] }
  }
}
