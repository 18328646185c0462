import { writeFileSync } from "node:fs"
import { Session } from "node:inspector/promises"
import { setImmediate as nextTurn } from "node:timers/promises"
import type { Answers } from "./parent.ts"

/** Measurements that any process of the bench can take of itself. */
export interface Memory {
  readonly rssBytes: number
  /** Maximum of the resident memory since the process started, without a garbage collection for this measurement. */
  readonly peakRssBytes: number
  /** Size of the JavaScript heap after a garbage collection, including its external memory. */
  readonly heapBytes: number
}

let profiling: Session | null = null

export const answersAboutProcess: Answers = {
  /**
   * Returns the user and system CPU seconds of all threads so far, including the garbage collector's and the thread
   * pool's.
   */
  cpuSeconds(): number {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  },
  async memory(): Promise<Memory> {
    const peakRssBytes = process.resourceUsage().maxRSS * 1_024
    for (let round = 0; round < 3; round++) {
      globalThis.gc?.()
      await nextTurn()
    }
    const { rss, heapUsed, external } = process.memoryUsage()
    return { rssBytes: rss, peakRssBytes, heapBytes: heapUsed + external }
  },
  async startProfile(): Promise<void> {
    profiling = new Session()
    profiling.connect()
    await profiling.post("Profiler.enable")
    await profiling.post("Profiler.setSamplingInterval", { interval: 200 })
    await profiling.post("Profiler.start")
  },
  async stopProfile({ file }: { readonly file: string }): Promise<void> {
    const { profile } = (await profiling?.post("Profiler.stop")) ?? {}
    writeFileSync(file, JSON.stringify(profile))
    profiling?.disconnect()
    profiling = null
  },
}
