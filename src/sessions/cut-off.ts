import { runInNewContext } from "node:vm"

/**
 * What the work returns or throws. Throws after `ms` milliseconds, even from within a regular expression: nothing else of
 * the process runs meanwhile, so what others wrote must not take as long as it likes.
 */
export function cutOff<Value>(ms: number, work: () => Value): Value {
  const outcome: { value?: Value } = {}
  const run = () => {
    outcome.value = work()
  }
  try {
    runInNewContext("run()", { run }, { timeout: ms })
  } catch (thrown) {
    // It comes from the other context, whose errors are no errors of this one.
    if (isTimeout(thrown)) throw new Error(`it takes longer than ${ms} ms.`)
    throw thrown
  }
  return outcome.value as Value
}

function isTimeout(thrown: unknown): boolean {
  return Object(thrown).code === "ERR_SCRIPT_EXECUTION_TIMEOUT"
}
