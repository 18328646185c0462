import { fileURLToPath } from "node:url"
import { expect, test } from "vitest"
import { type Architecture, violations } from "./architecture/rules.ts"
import { readSourceTree } from "./architecture/source-file.ts"

/** The folders in the table of ARCHITECTURE.md, with the folders that each may import. */
const folders = {
  core: [],
  platform: ["core"],
  options: ["core"],
  agent: ["core", "options"],
  approvals: ["core", "options"],
  sessions: ["core", "agent", "options"],
  providers: ["core", "options"],
  runners: ["core", "processes"],
  mcp: ["core", "options", "processes"],
  processes: ["core"],
  locks: ["core", "platform"],
  "state-files": ["core", "locks"],
  sandbox: ["core", "locks", "options"],
  "code-execution": ["core", "sandbox", "tools", "options"],
  memory: ["core", "locks", "tools", "options"],
  skills: ["core", "state-files", "options"],
  "sub-agents": ["core", "options"],
  compaction: ["core", "options"],
  "large-results": ["core", "options"],
  tools: ["core", "options"],
  stores: ["core", "locks", "options", "platform"],
  pricing: ["core", "options"],
  http: ["core", "sessions", "options"],
  console: ["core", "sessions", "http", "options"],
  delivery: ["core", "options"],
  schedules: ["core", "options", "platform"],
  // `client/wire` has the types of events.
  headless: ["client/wire", "core", "locks", "state-files", "options", "platform"],
  telemetry: ["core", "options"],
  transcripts: ["core", "options"],
  testing: ["core"],
  client: [],
  // `client/wire` has the types of events, which are generated from the HTTP API.
  gateway: [
    "client/wire",
    "core",
    "delivery",
    "agent",
    "approvals",
    "sessions",
    "providers",
    "code-execution",
    "mcp",
    "memory",
    "sandbox",
    "schedules",
    "skills",
    "sub-agents",
    "compaction",
    "large-results",
    "state-files",
    "tools",
    "stores",
    "pricing",
    "http",
    "console",
    "headless",
    "options",
    "telemetry",
    "transcripts",
  ],
  cli: ["client", "core", "gateway", "headless"],
  // The package's root exports everything that applications import.
  ".": ["exports"],
  // The exports import only types of options from http, mcp, pricing and sessions.
  exports: [
    "transcripts",
    "stores",
    "console",
    "agent",
    "approvals",
    "client/wire",
    "code-execution",
    "core",
    "delivery",
    "gateway",
    "headless",
    "http",
    "mcp",
    "memory",
    "pricing",
    "providers",
    "runners",
    "sandbox",
    "schedules",
    "sessions",
    "skills",
    "sub-agents",
    "compaction",
    "large-results",
    "state-files",
    "telemetry",
    "tools",
  ],
}

const architecture: Architecture = {
  folders,
  pure: ["core", "client"],
  libraries: { "client/react": ["react"] },
  // The second file reads them for the default of an option.
  readProcess: ["cli", "gateway/assemble-gateway.ts"],
  // The names of the package are listed by topic in exports/.
  exportAll: ["index.ts"],
  maxLines: 400,
}

test("the source tree keeps to the architecture", async () => {
  const files = await readSourceTree(fileURLToPath(new URL("../src", import.meta.url)))
  expect(files.length).toBeGreaterThan(20)
  expect(violations(files, architecture)).toEqual([])
})
