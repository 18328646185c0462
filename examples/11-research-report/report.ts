import { readFile, writeFile } from "node:fs/promises"
import agent from "./agent.ts"

await writeFile("report.md", "# Tea\n\n")

// The demo needs commands. For a model, use one sentence: "Write a report on tea."
const starts = ["history", "growing", "brewing"].map((topic) => {
  const task = `/tool write_section ${JSON.stringify({ topic })}`
  return `/tool run_agent ${JSON.stringify({ task, background: true })}`
})
const { sessionId, response } = await agent.run(starts.join("\n"))
console.log(response)

const collected = await agent.run('/tool get_background_result {"task_id":"*","wait":true}', { sessionId })
console.log(collected.response)
console.log(await readFile("report.md", "utf8"))
await agent.close()
