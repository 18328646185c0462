import { fileURLToPath } from "node:url"
import { createAgent, tool } from "ai-agent-gateway"
import { z } from "zod"

const { API_KEYS } = process.env

const listCommits = tool({
  name: "list_commits",
  description: "Lists the commits since the last release.",
  inputSchema: z.object({}),
  readOnly: true,
  execute: () => [
    "fix: Keep the order of messages",
    "feat: Export conversations",
    "docs: Describe the export",
  ],
})

export const systemPrompt = "You help the maintainers of a small product."
export const options = {
  // Each skill is one Markdown file, or a folder with a SKILL.md. The model sees their names and descriptions, and loads
  // the one that fits the task.
  skillsDir: fileURLToPath(new URL("skills", import.meta.url)),
  tools: [listCommits],
}

export default createAgent(systemPrompt, {
  ...options,
  // With this option, only these keys are accepted. Without it, the gateway accepts any key, but only from this
  // machine.
  ...(API_KEYS && { validApiKeys: API_KEYS.split(",") }),
})
