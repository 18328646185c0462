import type { Logger } from "../../core/ports/logger.ts"
import { CallbackTimeoutError, callBounded } from "../../core/time/call-bounded.ts"
import type { Dispatcher } from "../../kernel/sessions/outbox/dispatcher.ts"
import type { Following } from "../../kernel/sessions/subscribers/following.ts"
import type { Worker } from "../../kernel/sessions/worker/worker.ts"
import type { Agent } from "../agent/agent.ts"
import type { ShutdownOptions } from "../options/shutdown-options.ts"

/** Maximum milliseconds of `onShutdown`. The process is about to end, and its supervisor may not wait long. */
const onShutdownMs = 2_000

const lastDeliveriesMs = 2_000

/** Lets active runs continue for `graceMs` milliseconds, then parks the rest. */
export async function drainRuns(
  worker: Pick<Worker, "stop">,
  agents: readonly Pick<Agent, "interrupt">[],
  graceMs: number,
): Promise<void> {
  // Runs that still wait for a plugin, such as for the start of an MCP server, must not delay the end.
  const grace = setTimeout(() => void Promise.all(agents.map((agent) => agent.interrupt())), graceMs)
  await worker.stop({ graceMs })
  clearTimeout(grace)
}

/**
 * Lets hooks and outbox handlers receive due items, for two seconds at most. The rest is delivered after the next
 * start.
 */
export async function stopDelivering(parts: readonly (Following | Dispatcher)[]): Promise<void> {
  const deadline = new AbortController()
  const timer = setTimeout(() => deadline.abort(), lastDeliveriesMs)
  await Promise.all(parts.map((part) => part.stop(deadline.signal)))
  clearTimeout(timer)
}

/** Calls the hook, and waits two seconds for it at most. */
export async function callOnShutdown({ onShutdown }: ShutdownOptions, logger: Logger): Promise<void> {
  if (onShutdown === undefined) return
  try {
    await callBounded((signal) => onShutdown({ signal }), { name: "onShutdown", timeoutMs: onShutdownMs })
  } catch (error) {
    if (!(error instanceof CallbackTimeoutError)) throw error
    logger.warn({ error, hook: "onShutdown" }, "A hook did not return in time. The gateway is closed.")
  }
}
