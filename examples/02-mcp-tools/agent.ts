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
        // The directory where npx looks for the package before it downloads the package.
        cwd: import.meta.dirname,
        // The gateway believes the server's claim about which tools only read. It repeats calls of those after a
        // crash.
        trusted: true,
        // A person must approve each call that may destroy a note.
        approval: "destructive",
        disabledTools: ["move_file"],
      },
    },
  },
)
