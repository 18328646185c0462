import type { Reporter, TestCase, TestModule } from "vitest/node"

const advice = `To test everything, run npm test as root on Debian or Ubuntu: it installs what is missing.
With CI=true a missing component is a failure.`

/** Lists the skipped tests at the end, with their missing requirements, so that no test is skipped silently. */
export class UntestedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = new Map<string, number>()
    for (const module of modules) {
      for (const test of module.children.allTests("skipped")) {
        const note = noteOf(test)
        if (note === null) continue
        const line = `${module.relativeModuleId}: ${note}`
        counts.set(line, (counts.get(line) ?? 0) + 1)
      }
    }
    if (counts.size === 0) return
    const lines = [...counts].sort().map(([line, count]) => `  ${count} in ${line}`)
    const total = [...counts.values()].reduce((sum, count) => sum + count)
    console.log(`\nNot tested here, ${total} tests:\n${lines.join("\n")}\n${advice}`)
  }
}

/** Returns a note about a skipped test. Null for tests that a filter on the command line left out. */
function noteOf(test: TestCase): string | null {
  const result = test.result()
  return result.state === "skipped" ? (result.note ?? null) : null
}
