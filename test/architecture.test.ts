import { fileURLToPath } from "node:url"
import { expect, test } from "vitest"
import { type Architecture, violations } from "./architecture/rules.ts"
import { readSourceTree } from "./architecture/source-file.ts"

/** The table of ARCHITECTURE.md: each folder and what it may import. `X/*` stands for every folder in X. */
const folders = {
  core: [],
  "platform/*": ["core", "platform"],
  testing: ["core", "platform"],
  "kernel/*": ["core", "platform", "kernel"],
  "adapters/*": ["core", "platform", "kernel/tools"],
  "features/*": ["core", "platform", "kernel/tools"],
  operations: ["core", "kernel"],
  http: ["core", "platform", "kernel", "operations"],
  "wires/*": ["core", "platform", "kernel", "http"],
  console: ["core", "kernel/sessions", "operations", "http"],
  // The types of the native protocol, which are generated from the OpenAPI document.
  client: ["core/wire"],
  gateway: ["core", "platform", "kernel", "adapters", "features", "operations", "http", "wires", "console"],
  cli: ["core", "client", "exports", "gateway", "operations"],
  // The package's root exports everything that applications import.
  ".": ["exports"],
  exports: [
    "core",
    "platform",
    "kernel",
    "adapters",
    "features",
    "operations",
    "http",
    "wires",
    "console",
    "gateway",
  ],
}

const architecture: Architecture = {
  folders,
  divided: ["platform", "kernel", "adapters", "features", "wires"],
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
