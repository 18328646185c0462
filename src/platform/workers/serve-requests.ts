import { parentPort, type Transferable, workerData } from "node:worker_threads"

/** A program reports that it has started a phase of a request, and then the result of the request. */
export type WorkerMessage =
  | { readonly type: "started"; readonly phase: string; readonly cpuMs: number }
  | { readonly type: "reply"; readonly reply: unknown }

export interface WorkerSettings {
  /** If true, `cpuMs` counts the thread's own CPU time; otherwise that of the whole process. */
  readonly countsOwnCpu: boolean
  readonly data: unknown
}

export function toMilliseconds({ user, system }: { readonly user: number; readonly system: number }): number {
  return (user + system) / 1_000
}

/** Reports the start of a phase, which has its own time limit. */
export type EnterPhase = (phase: string) => void

/**
 * Serves the requests of the host in a thread or process that `startWorker` started. The host passes one request at a
 * time. An error of `handle` ends the program.
 *
 * @param handle Returns the reply, or resolves to it.
 * @param listTransfers Returns the parts of a reply that a thread transfers instead of copying them.
 */
export function serveRequests<Request, Reply>(
  handle: (request: Request, enter: EnterPhase) => Reply | Promise<Reply>,
  listTransfers: (reply: Reply) => readonly Transferable[] = () => [],
): void {
  const settings = workerData as WorkerSettings | null
  const enter = (phase: string) => {
    const usage = settings?.countsOwnCpu === true ? process.threadCpuUsage() : process.cpuUsage()
    send({ type: "started", phase, cpuMs: toMilliseconds(usage) })
  }
  const receive = async (request: Request) => {
    const reply = await handle(request, enter)
    send({ type: "reply", reply }, listTransfers(reply))
  }
  if (parentPort !== null) parentPort.on("message", receive)
  else {
    process.on("message", receive)
    // A terminal or a service manager sends them to all processes, but the gateway may still need this one. It ends
    // the process itself, and without the gateway nothing keeps the process alive.
    for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => {})
  }
}

function send(message: WorkerMessage, transfers: readonly Transferable[] = []): void {
  if (parentPort !== null) parentPort.postMessage(message, transfers)
  else process.send?.(message)
}

/** Returns the option `data` with which the host has started this thread. */
export function readData<Data>(): Data {
  return (workerData as WorkerSettings).data as Data
}
