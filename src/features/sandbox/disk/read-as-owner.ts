import { startWorker } from "../../../platform/workers/worker.ts"
import type { HeldFiles, HeldFilesOrder } from "./read-held-files.ts"

export interface OwnersOrder extends HeldFilesOrder {
  /** The user of the processes. */
  readonly uid: number
  readonly gid: number
}

/** Maximum milliseconds, because the user's other processes could stop the process that reads. */
const timeoutMs = 5_000

/** Reads in a process that switches to the user. Resolves to "over" if that process ends without a response. */
export async function readAsOwner(
  order: OwnersOrder,
  signal: AbortSignal,
): Promise<HeldFiles | "over" | "closed"> {
  signal.throwIfAborted()
  const worker = startWorker<OwnersOrder, unknown>({
    program: "./owner-process",
    startedBy: import.meta.url,
    kind: "process",
    startMs: timeoutMs,
    phaseMs: {},
  })
  const stop = () => void worker.stop()
  signal.addEventListener("abort", stop, { once: true })
  try {
    const outcome = await worker.run(order)
    signal.throwIfAborted()
    if (outcome.type === "stopped") return "over"
    const { reply } = outcome
    return reply === "closed" || isHeldFiles(reply) ? reply : "over"
  } finally {
    signal.removeEventListener("abort", stop)
    stop()
  }
}

function isHeldFiles(answer: unknown): answer is HeldFiles {
  return typeof answer === "object" && answer !== null && "usage" in answer
}
