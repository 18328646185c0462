import { HeartbeatLoop, runAutonomous } from "ai-agent-gateway"
import { checklistPath, findOrder, mcpServers } from "./shop.ts"

const { ANTHROPIC_API_KEY: apiKey, WATCH_TICKS: ticks } = process.env

const loop = new HeartbeatLoop({
  config: {
    intervalSeconds: 1800,
    checklistPath,
    stateDir: "state",
    ...(ticks !== undefined && { maxTicks: Number(ticks) }),
  },
  run: ({ jobId, checklist, signal }) =>
    runAutonomous(
      "You watch over the stock of a shop. If nothing needs attention, respond with HEARTBEAT_OK.",
      "Check this list.",
      {
        ...(apiKey && { provider: "anthropic", model: "claude-sonnet-4-6" }),
        name: "watch",
        jobId,
        notes: checklist === null ? [] : [checklist],
        tools: [findOrder],
        mcpServers,
        maxTurns: 10,
        maxBudgetUsd: 0.5,
        signal,
      },
    ),
  onAlert: ({ response }) => console.log(`Attention: ${response}`),
  onError: (problem) => console.error(problem),
})
await loop.start()
