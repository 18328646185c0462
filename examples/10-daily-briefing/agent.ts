import { createAgent, delivery, tool } from "ai-agent-gateway"
import { z } from "zod"

const headlines = tool({
  name: "headlines",
  description: "Lists today's headlines on a subject.",
  inputSchema: z.object({ subject: z.string() }),
  readOnly: true,
  execute: ({ subject }) => [`${subject}: rain in the north`, `${subject}: a bridge is closed`],
})

export default createAgent(
  "You write a briefing of at most five lines from the headlines on the subjects that you are given. " +
    "On a heartbeat, answer HEARTBEAT_OK if there is nothing that a person must know today.",
  {
    tools: [headlines],
    plugins: [
      delivery({
        writeFile: "briefing.md",
        // A quiet heartbeat is not delivered.
        when: ({ outcome, response }) => outcome === "completed" && !response.includes("HEARTBEAT_OK"),
      }),
    ],
  },
)
