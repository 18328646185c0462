import { once } from "node:events"
import { Worker } from "node:worker_threads"
import { createTurnQueue } from "../../../core/fairness/turn-queue.ts"
import type { Principal } from "../../../core/ports/store/session-log.ts"
import type { Examined } from "./examine.ts"

export interface ImageExaminer {
  /**
   * Examines an image. Rejects only with the reason of the signal. Null means that the decoder itself does not work.
   */
  examine(base64: string, options: ExamineOptions): Promise<Examined | null>
  close(): Promise<void>
}

export interface ExamineOptions {
  /** User whose image it is. */
  readonly owner: Principal
  /** Ends the wait for the decoder. */
  readonly signal: AbortSignal
}

export interface ExaminerOptions {
  /** Maximum milliseconds for one image. Default 20 000. */
  readonly timeoutMs?: number
  /** Milliseconds without work after which the thread ends, which frees its memory. Default 30 000. */
  readonly idleMs?: number
}

const extension = import.meta.url.endsWith(".ts") ? "ts" : "js"
const script = new URL(`./image-worker.${extension}`, import.meta.url)
/**
 * Maximum milliseconds to load the decoder. Loading takes half a second of one core, and much longer on a busy
 * machine.
 */
const longestStartMs = 60_000

const slow: Examined = { type: "unusable", reason: "decoding it takes too long" }
const fatal: Examined = { type: "unusable", reason: "it crashes the decoder" }
const crowded: Examined = { type: "unusable", reason: "too many images wait for the decoder" }

/**
 * Maximum number of waiting images. Each run waits for one image at a time. The images are parts of conversations,
 * whose size is bounded.
 */
const maxWaiting = 10_000

interface Waiting {
  readonly base64: string
  readonly resolve: (examined: Examined | null) => void
}

/**
 * Decodes images one after another in a separate thread. It starts when needed, and ends when it is idle. Tenants take
 * turns, and so do the users of a tenant, because decoding one image may take many seconds.
 */
export function createImageExaminer({
  timeoutMs = 20_000,
  idleMs = 30_000,
}: ExaminerOptions = {}): ImageExaminer {
  let running: Worker | null = null
  const queue = createTurnQueue<Waiting>(maxWaiting)
  let isWorking = false
  let idle: NodeJS.Timeout | undefined
  let closed = false

  async function stop(): Promise<void> {
    const thread = running
    running = null
    await thread?.terminate()
  }

  async function examineNow(base64: string): Promise<Examined | null> {
    clearTimeout(idle)
    if (closed) return null
    running ??= await startThread()
    const thread = running
    if (thread === null) return null
    // An idle thread does not keep the process alive.
    thread.ref()
    const examined = await answerOf(thread, base64, timeoutMs)
    thread.unref()
    if (examined === slow || examined === fatal) await stop()
    else idle = setTimeout(() => void stop(), idleMs).unref()
    return examined
  }

  async function work(): Promise<void> {
    if (isWorking) return
    isWorking = true
    for (let next = queue.take(); next !== null; next = queue.take()) {
      next.resolve(await examineNow(next.base64))
    }
    isWorking = false
  }

  return {
    async examine(base64, { owner, signal }) {
      signal.throwIfAborted()
      const { promise, resolve, reject } = Promise.withResolvers<Examined | null>()
      const waiting: Waiting = { base64, resolve }
      if (!queue.add(owner, waiting)) return crowded
      const abort = () => {
        queue.remove(owner, waiting)
        reject(signal.reason)
      }
      signal.addEventListener("abort", abort, { once: true })
      try {
        void work()
        return await promise
      } finally {
        signal.removeEventListener("abort", abort)
      }
    },
    async close() {
      closed = true
      clearTimeout(idle)
      await stop()
    },
  }
}

async function answerOf(thread: Worker, base64: string, timeoutMs: number): Promise<Examined> {
  const { promise, resolve } = Promise.withResolvers<Examined>()
  const end = () => resolve(fatal)
  const timer = setTimeout(() => resolve(slow), timeoutMs)
  thread.once("message", resolve).once("exit", end)
  thread.postMessage(base64)
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    thread.off("message", resolve).off("exit", end)
  }
}

/** Starts the thread. Null if the decoder cannot be loaded. */
async function startThread(): Promise<Worker | null> {
  const thread = new Worker(script, { resourceLimits: { maxOldGenerationSizeMb: 256 } })
  // An error ends the thread, and callers see its end.
  thread.on("error", () => {})
  try {
    await once(thread, "message", { signal: AbortSignal.timeout(longestStartMs) })
    return thread
  } catch {
    await thread.terminate()
    return null
  }
}
