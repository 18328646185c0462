import { Worker } from "node:worker_threads"
import { toError } from "../../../core/errors.ts"
import {
  type CheckPhase,
  type CheckReply,
  type CheckRequest,
  type ThreadSettings,
  toMilliseconds,
  type Verdict,
} from "./messages.ts"

export interface ThreadLimits {
  /** Maximum milliseconds of real time until the thread starts its first check. */
  readonly startMs: number
  /** Maximum milliseconds of CPU time for each phase. */
  readonly cpuMs: Readonly<Record<CheckPhase, number>>
  /** Maximum megabytes of a thread's JavaScript heap. */
  readonly heapMb: number
}

/** `stopped`: the thread had to be ended in this phase. */
export type Outcome = Verdict | { readonly type: "stopped"; readonly phase: Phase; readonly reason: string }

/** One thread. After a `stopped` outcome it is dead, and another one must replace it. */
export interface CheckThread {
  /** Returns false after the thread has ended. */
  isAlive(): boolean
  /** Checks one value. Never rejects. Allows one call at a time. */
  run(request: CheckRequest): Promise<Outcome>
  /** Ends the thread and its current check. */
  stop(): Promise<void>
}

type Phase = "starting" | CheckPhase

/** Ratio of real time to CPU time that a phase may take, for threads that get hardly any CPU time. */
const mostClockTimes = 10
const countsOwnCpu = "cpuUsage" in Worker.prototype
/** The file beside this one, in TypeScript or compiled. */
const program = new URL(import.meta.url.endsWith(".ts") ? "./thread.ts" : "./thread.js", import.meta.url)

interface Running {
  readonly settle: (outcome: Outcome) => void
  phase: Phase
  /** CPU time and real time at the start of the phase. */
  cpuMs: number
  since: number
  timer: NodeJS.Timeout
}

export function startCheckThread(limits: ThreadLimits): CheckThread {
  const settings: ThreadSettings = { countsOwnCpu }
  const worker = new Worker(program, {
    name: "schema check",
    workerData: settings,
    env: {},
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: limits.heapMb, maxYoungGenerationSizeMb: 16 },
  })
  let running: Running | null = null
  let alive = true
  // An idle thread does not keep the process alive.
  worker.unref()
  worker.on("message", (reply: CheckReply) => {
    if (running === null) return
    if (reply.type === "started") enter(running, reply)
    else settle(running, reply)
  })
  worker.on("error", (thrown) => end(`failed (${toError(thrown).message})`))
  worker.on("exit", () => end("failed (its thread ended)"))

  function settle(run: Running, outcome: Outcome): void {
    clearTimeout(run.timer)
    if (running === run) running = null
    worker.unref()
    run.settle(outcome)
  }

  function end(reason: string): void {
    alive = false
    if (running !== null) settle(running, { type: "stopped", phase: running.phase, reason })
  }

  function enter(run: Running, { phase, cpuMs }: Extract<CheckReply, { type: "started" }>): void {
    clearTimeout(run.timer)
    Object.assign(run, { phase, cpuMs, since: performance.now() })
    watch(run, phase, limits.cpuMs[phase])
  }

  function watch(run: Running, phase: CheckPhase, ms: number): void {
    run.timer = setTimeout(() => void extendOrStop(run, phase), ms)
  }

  /** Extends the time of a thread that got too little CPU time, because it must not fail on a busy machine. */
  async function extendOrStop(run: Running, phase: CheckPhase): Promise<void> {
    const limit = limits.cpuMs[phase]
    const left = limit - (await readCpuMs(worker, run))
    // The thread may have ended or continued meanwhile.
    if (running !== run || run.phase !== phase) return
    const isLate = performance.now() - run.since >= limit * mostClockTimes
    if (left >= 1 && !isLate) return watch(run, phase, Math.ceil(left))
    stopLate(run, `takes longer than ${limit} ms`)
  }

  function stopLate(run: Running, reason: string): void {
    alive = false
    settle(run, { type: "stopped", phase: run.phase, reason })
    void worker.terminate()
  }

  return {
    isAlive: () => alive,
    run(request) {
      const { promise, resolve } = Promise.withResolvers<Outcome>()
      const reason = `did not start within ${limits.startMs} ms`
      const run: Running = {
        settle: resolve,
        phase: "starting",
        cpuMs: 0,
        since: performance.now(),
        timer: setTimeout(() => stopLate(run, reason), limits.startMs),
      }
      running = run
      worker.ref()
      worker.postMessage(request)
      return promise
    },
    async stop() {
      await worker.terminate()
    },
  }
}

/** Returns the CPU time since the start of the phase. */
async function readCpuMs(worker: Worker, run: Running): Promise<number> {
  if (!countsOwnCpu) return toMilliseconds(process.cpuUsage()) - run.cpuMs
  try {
    return toMilliseconds(await worker.cpuUsage()) - run.cpuMs
  } catch {
    // The thread has ended, which its own events report.
    return 0
  }
}
