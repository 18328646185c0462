// Prints the counts of a Vitest JSON report, and fails unless every test ran and passed.
import { readFileSync } from "node:fs"

const [, , file] = process.argv
if (file === undefined) throw new Error("usage: node scripts/test-summary.mjs REPORT.json")

const report = JSON.parse(readFileSync(file, "utf8"))
const skipped = report.testResults
  .flatMap((suite) => suite.assertionResults)
  .filter((test) => test.status !== "passed" && test.status !== "failed")
for (const test of skipped) console.log(`did not run: ${test.fullName}`)
console.log(`${report.numPassedTests} passed, ${report.numFailedTests} failed, ${skipped.length} skipped`)
if (!report.success || report.numPassedTests === 0 || skipped.length > 0) process.exitCode = 1
