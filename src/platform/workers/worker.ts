import { fork } from "node:child_process"
import { fileURLToPath } from "node:url"
import { Worker as Thread, type Transferable } from "node:worker_threads"
import { toError } from "../../core/errors.ts"
import { toMilliseconds, type WorkerMessage, type WorkerSettings } from "./serve-requests.ts"

export interface WorkerOptions {
  /** Path of the program from the module that starts it, without the extension. It calls `serveRequests`. */
  readonly program: string
  /** `import.meta.url` of that module. */
  readonly startedBy: string
  /**
   * A process can be ended while it executes native code, which may also crash without ending the gateway. A thread
   * starts sooner.
   */
  readonly kind: "thread" | "process"
  /** Maximum milliseconds of real time from the first request until the program starts it. */
  readonly startMs: number
  /** Maximum milliseconds of each phase of a request: CPU time of a thread, or real time of a process. */
  readonly phaseMs: Readonly<Record<string, number>>
  /** Maximum megabytes of the JavaScript heap. Default: the limit of Node. */
  readonly heapMb?: number
  /** Data that the program of a thread needs at its start. It calls `readData`. */
  readonly data?: unknown
}

/** `stopped`: the worker had to be ended in this phase, or ended by itself. */
export type Outcome<Reply> =
  | { readonly type: "reply"; readonly reply: Reply }
  | {
      readonly type: "stopped"
      readonly phase: string
      readonly isLate: boolean
      /** Completes a sentence whose subject is the request. */
      readonly reason: string
    }

/** A program in a thread or process. After a `stopped` outcome it is dead, and another one must replace it. */
export interface Worker<Request, Reply> {
  /** Returns false after the worker has ended. */
  isAlive(): boolean
  /** Resolves to the reason when the worker has ended. */
  readonly ended: Promise<string>
  /** Passes one request. Never rejects. Allows one call at a time. */
  run(request: Request, transfers?: readonly Transferable[]): Promise<Outcome<Reply>>
  /** Ends the worker and its current request. */
  stop(): Promise<void>
}

/** The phase until the program has started the request. */
export const starting = "starting"
/** Ratio of real time to CPU time that a phase may take, for threads that get hardly any CPU time. */
const mostClockTimes = 10
const countsOwnCpu = "cpuUsage" in Thread.prototype
/** Node 22 prints a warning about the types that it strips and about its SQLite module. */
const quiet = "--disable-warning=ExperimentalWarning"

interface Running {
  readonly settle: (outcome: Outcome<unknown>) => void
  phase: string
  /** CPU time and real time at the start of the phase. */
  cpuMs: number
  since: number
  timer: NodeJS.Timeout | undefined
}

/** Starts the program. While it has no request, it does not keep the gateway's process alive. */
export function startWorker<Request, Reply>(options: WorkerOptions): Worker<Request, Reply> {
  const { startMs, phaseMs, kind } = options
  const program = kind === "thread" ? startThread(options) : startProcess(options)
  let running: Running | null = null
  let alive = true
  const ended = Promise.withResolvers<string>()
  program.unref()
  program.events.on("message", (message: WorkerMessage) => {
    if (running === null) return
    if (message.type === "started") enter(running, message)
    else settle(running, message)
  })
  let failure = `failed (its ${kind} ended)`
  program.events.on("error", (thrown: unknown) => {
    failure = `failed (${toError(thrown).message})`
    // A thread still delivers its messages and then ends. A process has not started.
    if (kind === "process") end(failure)
  })
  program.events.on("exit", () => end(failure))

  function settle(run: Running, outcome: Outcome<unknown>): void {
    clearTimeout(run.timer)
    if (running === run) running = null
    program.unref()
    run.settle(outcome)
  }

  function end(reason: string, isLate = false): void {
    alive = false
    ended.resolve(reason)
    if (running !== null) settle(running, { type: "stopped", phase: running.phase, isLate, reason })
  }

  function stopLate(reason: string): void {
    end(reason, true)
    void program.stop()
  }

  function enter(run: Running, { phase, cpuMs }: Extract<WorkerMessage, { type: "started" }>): void {
    clearTimeout(run.timer)
    const limit = phaseMs[phase]
    Object.assign(run, { phase, cpuMs, since: performance.now(), timer: undefined })
    if (limit !== undefined) watch(run, { limit, left: limit })
  }

  function watch(run: Running, { limit, left }: { readonly limit: number; readonly left: number }): void {
    run.timer = setTimeout(() => void extendOrStop(run, limit), left)
  }

  /** Extends the time of a thread that got too little CPU time, because it must not fail on a busy machine. */
  async function extendOrStop(run: Running, limit: number): Promise<void> {
    const { phase } = run
    const left = limit - (await program.readCpuMs(run))
    // The worker may have ended or continued meanwhile.
    if (running !== run || run.phase !== phase) return
    const isLate = performance.now() - run.since >= limit * mostClockTimes
    if (left >= 1 && !isLate) return watch(run, { limit, left: Math.ceil(left) })
    stopLate(`takes longer than ${limit} ms`)
  }

  return {
    isAlive: () => alive,
    ended: ended.promise,
    run(request, transfers = []) {
      const { promise, resolve } = Promise.withResolvers<Outcome<unknown>>()
      const timer = setTimeout(() => stopLate(`did not start within ${startMs} ms`), startMs)
      running = { settle: resolve, phase: starting, cpuMs: 0, since: performance.now(), timer }
      program.ref()
      program.send(request, transfers)
      return promise as Promise<Outcome<Reply>>
    },
    stop() {
      // The process must not end before the caller of this.
      program.ref()
      return program.stop()
    },
  }
}

/** A thread or a process. Both have the events `message`, `error` and `exit`. */
interface Program {
  readonly events: NodeJS.EventEmitter
  send(request: unknown, transfers: readonly Transferable[]): void
  ref(): void
  unref(): void
  stop(): Promise<void>
  /** Resolves to the time that counts since the start of the phase. */
  readCpuMs(run: Running): Promise<number>
}

function startThread({ program, startedBy, heapMb, data }: WorkerOptions): Program {
  const settings: WorkerSettings = { countsOwnCpu, data }
  const thread = new Thread(locateProgram(program, startedBy), {
    workerData: settings,
    env: {},
    execArgv: [quiet],
    resourceLimits:
      heapMb === undefined ? {} : { maxOldGenerationSizeMb: heapMb, maxYoungGenerationSizeMb: 16 },
  })
  return {
    events: thread,
    send: (request, transfers) => thread.postMessage(request, transfers),
    ref: () => thread.ref(),
    unref: () => thread.unref(),
    stop: () => thread.terminate().then(() => {}),
    async readCpuMs({ cpuMs }) {
      if (!countsOwnCpu) return toMilliseconds(process.cpuUsage()) - cpuMs
      // A thread that has ended reports this by its own events.
      return thread.cpuUsage().then(
        (usage) => toMilliseconds(usage) - cpuMs,
        () => 0,
      )
    },
  }
}

/** Messages are JSON, because a process that others took over could send any bytes. */
function startProcess({ program, startedBy, heapMb }: WorkerOptions): Program {
  const child = fork(fileURLToPath(locateProgram(program, startedBy)), {
    env: {},
    execArgv: [quiet, ...(heapMb === undefined ? [] : [`--max-old-space-size=${heapMb}`])],
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  })
  const ended = new Promise<void>((resolve) =>
    child.once("exit", () => resolve()).once("error", () => resolve()),
  )
  return {
    events: child,
    send: (request) => child.send(request as object, () => {}),
    ref() {
      child.ref()
      child.channel?.ref()
    },
    unref() {
      child.unref()
      child.channel?.unref()
    },
    stop() {
      child.kill("SIGKILL")
      return ended
    },
    readCpuMs: async ({ since }) => performance.now() - since,
  }
}

/** Returns the program's file, in TypeScript or compiled like the module that starts it. */
function locateProgram(program: string, startedBy: string): URL {
  return new URL(`${program}.${startedBy.endsWith(".ts") ? "ts" : "js"}`, startedBy)
}
