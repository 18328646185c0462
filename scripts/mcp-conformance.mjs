import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

/**
 * Runs the published conformance suite of MCP against this package's MCP layer, as a client: what each revision of the
 * specification requires. Ends with 1 when a required scenario fails that is not in scripts/mcp-conformance-known.yaml.
 *
 * node scripts/mcp-conformance.mjs [REVISION …]
 */
const revisions = process.argv.length > 2 ? process.argv.slice(2) : ["2025-11-25", "2026-07-28"]
const file = (path) => fileURLToPath(new URL(path, import.meta.url))
const results = mkdtempSync(join(tmpdir(), "mcp-conformance-"))
let failed = false
try {
  for (const revision of revisions) {
    const { status } = spawnSync(
      process.execPath,
      [
        file("../node_modules/@modelcontextprotocol/conformance/dist/index.js"),
        "client",
        ...["--command", `${process.execPath} ${file("mcp-conformance-client.ts")}`],
        ...["--requirements", revision],
        // All scenarios run at once, each with a gateway of its own.
        ...["--timeout", "300000"],
        ...["--expected-failures", file("mcp-conformance-known.yaml")],
        ...["--output-dir", join(results, revision)],
      ],
      { stdio: "inherit" },
    )
    failed ||= status !== 0
  }
} finally {
  if (!failed) rmSync(results, { recursive: true })
}
if (failed) console.error(`The results are in ${results}.`)
process.exit(failed ? 1 : 0)
