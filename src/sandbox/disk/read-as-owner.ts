import { fork } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import type { HeldFiles, HeldFilesOrder } from "./read-held-files.ts"

export interface OwnersOrder extends HeldFilesOrder {
  /** The user that the processes run as. */
  readonly uid: number
  readonly gid: number
}

const extension = import.meta.url.endsWith(".ts") ? "ts" : "js"
const script = fileURLToPath(new URL(`./owner-process.${extension}`, import.meta.url))
/** The user's other processes could stop the one that reads. */
const timeoutMs = 5_000

/** Reads in a process that becomes the user. Resolves to "over" also if that process ends without an answer. */
export async function readAsOwner(
  order: OwnersOrder,
  signal: AbortSignal,
): Promise<HeldFiles | "over" | "closed"> {
  const child = fork(script, {
    env: {},
    execArgv: ["--disable-warning=ExperimentalWarning"],
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  })
  const over = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
  try {
    child.send(order)
    const [answer] = await Promise.race([
      once(child, "message", { signal: over }),
      once(child, "exit", { signal: over }),
    ])
    return answer === "closed" || isHeldFiles(answer) ? answer : "over"
  } catch (error) {
    signal.throwIfAborted()
    if (over.aborted) return "over"
    throw error
  } finally {
    child.kill("SIGKILL")
  }
}

function isHeldFiles(answer: unknown): answer is HeldFiles {
  return typeof answer === "object" && answer !== null && "usage" in answer
}
