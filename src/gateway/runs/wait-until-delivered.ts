import { setTimeout as delay } from "node:timers/promises"
import type { RunOutput } from "../../features/headless/run/run-output.ts"
import type { OperationOutput } from "../../operations/operations.ts"
import type { Gateway } from "../gateway.ts"

/**
 * Milliseconds that an ended run waits for its deliveries. If a process died during a delivery, its row is due again
 * earlier.
 */
const patienceMs = 60_000
const pollMs = 50

export interface DeliveredRun {
  /** The output, with a warning for each delivery that is open or dead. */
  readonly output: RunOutput
  /** If true, a delivery is left for a later process. */
  readonly hasOpenDeliveries: boolean
}

export interface DeliveryWaitOptions {
  /** If true, the rows are lost when the gateway closes. Default false. */
  readonly isMemoryStore?: boolean
  readonly signal?: AbortSignal
}

/** Waits until the run's deliveries have succeeded or are dead, for at most a minute, or until the signal aborts. */
export async function waitUntilDelivered(
  gateway: Pick<Gateway, "operate">,
  output: RunOutput,
  { isMemoryStore = false, signal }: DeliveryWaitOptions = {},
): Promise<DeliveredRun> {
  const { sessionId } = output
  if (sessionId === null || output.parked) return { output, hasOpenDeliveries: false }
  const isAborted = () => signal?.aborted === true
  const ends = performance.now() + patienceMs
  for (;;) {
    const rows = await listDeliveries(gateway, sessionId)
    const isSettled = rows.every(({ state }) => state === "dead")
    if (!isSettled && !isAborted() && performance.now() < ends) {
      await delay(pollMs)
      continue
    }
    const warnings = rows.map((row) => describeRow(row, isMemoryStore))
    return {
      output: { ...output, warnings: [...output.warnings, ...warnings] },
      hasOpenDeliveries: !isSettled,
    }
  }
}

async function listDeliveries(
  gateway: Pick<Gateway, "operate">,
  sessionId: string,
): Promise<readonly ListedRow[]> {
  const rows: ListedRow[] = []
  let after = 0
  for (;;) {
    const { items, next } = await gateway.operate("outbox.list", { sessionId, after, limit: 200 })
    rows.push(...items.filter(({ kind }) => kind.includes("/delivery/")))
    if (next === null) return rows
    after = Number(next)
  }
}

type ListedRow = OperationOutput<"outbox.list">["items"][number]

function describeRow({ kind, state, lastError = null }: ListedRow, isMemoryStore: boolean): string {
  const delivery = `The delivery by ${kind.slice(kind.lastIndexOf("/") + 1)}`
  const reason = lastError === null ? "" : ` ${lastError}`
  if (isMemoryStore) return `${delivery} failed, and is lost, because the store is in memory.${reason}`
  return state === "dead"
    ? `${delivery} failed permanently:${reason} See agent-gateway outbox list.`
    : `${delivery} is still open. A process that opens the agent again on the same store continues it.${reason}`
}
