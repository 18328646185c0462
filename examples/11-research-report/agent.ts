import { appendFile } from "node:fs/promises"
import { setTimeout as delay } from "node:timers/promises"
import { createAgent, tool } from "ai-agent-gateway"
import { z } from "zod"

/** Takes the place of a search engine or a database. */
const sources: Readonly<Record<string, string>> = {
  history: "Tea was first grown in the south-west of China, and reached Europe in the 17th century.",
  growing: "The plant Camellia sinensis grows best in warm, wet places with acidic soil.",
  brewing: "Green tea is brewed at about 80 °C, and black tea with water that has just boiled.",
}

export default createAgent(
  "You write reports. Start one background sub-agent for each topic, wait for all of them, and sum up what they found.",
  {
    // Without a key, the example uses the offline demo, which follows simple commands.
    provider: process.env.ANTHROPIC_API_KEY ? "anthropic" : "demo",
    subAgents: true,
    tools: [
      tool({
        name: "write_section",
        description:
          "Looks up a topic (history, growing or brewing), and adds a section about it to the report.",
        inputSchema: z.object({ topic: z.string() }),
        async execute({ topic }) {
          const found = sources[topic]
          if (found === undefined) return `There are no sources on ${topic}.`
          await delay(500)
          await appendFile("report.md", `## ${topic}\n\n${found}\n\n`)
          return found
        },
      }),
    ],
  },
)
