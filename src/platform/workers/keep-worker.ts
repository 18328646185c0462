import type { Transferable } from "node:worker_threads"
import { type Outcome, startWorker, type Worker, type WorkerOptions } from "./worker.ts"

export interface KeptWorkerOptions extends WorkerOptions {
  /** Milliseconds without a request after which the worker ends, which frees its memory. */
  readonly idleMs: number
}

/** A worker that starts when it is needed. */
export interface KeptWorker<Request, Reply> {
  /** Passes one request. Never rejects. Allows one call at a time. */
  run(request: Request, transfers?: readonly Transferable[]): Promise<Outcome<Reply>>
  /** Ends the worker and its current request. */
  stop(): Promise<void>
}

export function keepWorker<Request, Reply>(options: KeptWorkerOptions): KeptWorker<Request, Reply> {
  let worker: Worker<Request, Reply> | null = null
  let idle: NodeJS.Timeout | undefined

  async function stop(): Promise<void> {
    clearTimeout(idle)
    const stopped = worker
    worker = null
    await stopped?.stop()
  }

  return {
    async run(request, transfers) {
      clearTimeout(idle)
      if (worker === null || !worker.isAlive()) worker = startWorker<Request, Reply>(options)
      const outcome = await worker.run(request, transfers)
      if (outcome.type === "reply") idle = setTimeout(() => void stop(), options.idleMs).unref()
      return outcome
    },
    stop,
  }
}
