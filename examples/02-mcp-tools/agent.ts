import { mkdirSync } from "node:fs"
import { createAgent } from "ai-agent-gateway"

const notes = new URL("notes/", import.meta.url).pathname
mkdirSync(notes, { recursive: true })

export default createAgent(
  "You keep the user's notes as Markdown files in the folder you are allowed to use.",
  {
    mcpServers: {
      notes: {
        command: "npx",
        args: ["-y", "@modelcontextprotocol/server-filesystem", notes],
        // Where npx looks for the package before it downloads it.
        cwd: import.meta.dirname,
        // Its own word on which of its tools only read is taken: those are called again after a crash.
        trusted: true,
        // Whatever may destroy a note waits for a person.
        approval: "destructive",
        disabledTools: ["move_file"],
      },
    },
  },
)
