import { startWorker, type Worker, type WorkerOptions } from "./worker.ts"

export interface KeptWorkerOptions extends WorkerOptions {
  /** Milliseconds without a request after which the worker ends, which frees its memory. */
  readonly idleMs: number
}

/** A worker that starts when it is needed. */
export type KeptWorker<Request, Reply> = Pick<Worker<Request, Reply>, "run" | "stop">

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
