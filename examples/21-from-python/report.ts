import { runAutonomousWithRetry, runOutputExitCode } from "ai-agent-gateway"
import { findOrder, mcpServers } from "./shop.ts"

const { ANTHROPIC_API_KEY: apiKey, REPORT_WEBHOOK: url } = process.env
const day = new Date().toISOString().slice(0, 10)

const output = await runAutonomousWithRetry(
  "You report on the orders of a shop. End with the heading ## STATE_UPDATE_JSON and a JSON block of what to keep.",
  "Write the report of the day.",
  {
    ...(apiKey && { provider: "anthropic", model: "claude-sonnet-4-6" }),
    // A job has a name and an agent of its own, so that it does not continue the open runs of the server.
    name: "report",
    jobId: `report-${day}`,
    stateDir: "state",
    tools: [findOrder],
    mcpServers,
    maxTurns: 10,
    maxBudgetUsd: 0.5,
    maxRetries: 2,
    backoffSeconds: [1, 5],
    delivery: {
      ...(url && { webhook: { url, allowPrivateAddresses: true } }),
      onComplete: ({ response, state }) => console.log(`${response}\nNext order: ${state?.next_order}`),
    },
  },
)
for (const warning of output.warnings) console.error(warning)
process.exitCode = runOutputExitCode(output)
