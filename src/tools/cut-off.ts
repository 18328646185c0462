import { createContext, Script } from "node:vm"

/**
 * What the work returns or throws; it may be done more than once. Throws after `ms` milliseconds, even from within a regular
 * expression: nothing else of the process runs meanwhile, so what others wrote must not take as long as it likes.
 */
export type CutOff = <Value>(ms: number, work: () => Value) => Value

/** How often work is begun that was hardly given the processor. */
const mostAttempts = 3

export function createCutOff(): CutOff {
  // A script of another context is what Node can put a time limit on. It is kept: to make one takes longer than to use it.
  const current = { run: () => {} }
  const context = createContext(current)
  const script = new Script("run()")
  const endsInTime = (ms: number) => {
    try {
      script.runInContext(context, { timeout: ms })
      return true
    } catch (thrown) {
      // It comes from the other context, whose errors are no errors of this one.
      if (isTimeout(thrown)) return false
      throw thrown
    }
  }
  return <Value>(ms: number, work: () => Value) => {
    const outcome: { value?: Value } = {}
    current.run = () => {
      outcome.value = work()
    }
    try {
      for (let attempt = 1; attempt <= mostAttempts; attempt++) {
        const before = process.cpuUsage()
        if (endsInTime(ms)) return outcome.value as Value
        if (processorMs(before) >= ms / 2) break
      }
      throw new Error(`it takes longer than ${ms} ms.`)
    } finally {
      current.run = () => {}
    }
  }
}

function processorMs(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since)
  return (user + system) / 1_000
}

function isTimeout(thrown: unknown): boolean {
  return Object(thrown).code === "ERR_SCRIPT_EXECUTION_TIMEOUT"
}
