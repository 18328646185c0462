import { fork } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import type { HeldFiles, HeldFilesOrder } from "./read-held-files.ts"

export interface OwnersOrder extends HeldFilesOrder {
  /** The user of the processes. */
  readonly uid: number
  readonly gid: number
}

const extension = import.meta.url.endsWith(".ts") ? "ts" : "js"
const script = fileURLToPath(new URL(`./owner-process.${extension}`, import.meta.url))
/** Maximum milliseconds, because the user's other processes could stop the process that reads. */
const timeoutMs = 5_000

/** Reads in a process that switches to the user. Resolves to "over" if that process ends without a response. */
export async function readAsOwner(
  order: OwnersOrder,
  signal: AbortSignal,
): Promise<HeldFiles | "over" | "closed"> {
  const child = fork(script, {
    env: {},
    execArgv: ["--disable-warning=ExperimentalWarning"],
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  })
  const stopSignal = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
  try {
    child.send(order)
    const [answer] = await Promise.race([
      once(child, "message", { signal: stopSignal }),
      once(child, "exit", { signal: stopSignal }),
    ])
    return answer === "closed" || isHeldFiles(answer) ? answer : "over"
  } catch (error) {
    signal.throwIfAborted()
    if (stopSignal.aborted) return "over"
    throw error
  } finally {
    child.kill("SIGKILL")
  }
}

function isHeldFiles(answer: unknown): answer is HeldFiles {
  return typeof answer === "object" && answer !== null && "usage" in answer
}
