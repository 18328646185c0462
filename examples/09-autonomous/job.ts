import { runAutonomousWithRetry, runOutputExitCode } from "ai-agent-gateway"

// The same work as a program. If it is started again after a crash, it continues the run of the day.
const day = new Date().toISOString().slice(0, 10)
const output = await runAutonomousWithRetry(
  "You summarize the news of the day in one sentence.",
  "Write it.",
  {
    jobId: `news-${day}`,
    stateDir: "state",
    timeoutSeconds: 120,
    maxRetries: 2,
    onRetry: ({ error, delaySeconds }) => console.error(`${error} Next attempt in ${delaySeconds} s.`),
  },
)
console.log(output.response)
for (const warning of output.warnings) console.error(warning)
if (output.error !== null) console.error(output.error)
process.exitCode = runOutputExitCode(output)
