import { fileURLToPath } from "node:url"
import { createAgent, tool } from "ai-agent-gateway"
import { z } from "zod"

const commits = [
  "fix: Keep the order of messages",
  "feat: Export conversations as CSV",
  "docs: Describe the export",
]

export default createAgent("You help the maintainers of a small product.", {
  // Each skill is one file, or a folder with a SKILL.md.
  skillsDir: fileURLToPath(new URL("skills", import.meta.url)),
  // The skill standup-notes keeps its last notes in this file.
  skillStateFile: ".agent-gateway-skills/state.json",
  tools: [
    tool({
      name: "list_commits",
      description: "Lists the commits since the last release.",
      inputSchema: z.object({}),
      readOnly: true,
      execute: () => commits,
    }),
    tool({
      name: "publish_release",
      description: "Publishes a release with these notes.",
      inputSchema: z.object({ notes: z.string() }),
      execute: ({ notes }) => `Published ${notes.length} characters.`,
    }),
  ],
})
