#!/usr/bin/env node
// Runs `agent-gateway init`. The command itself tells a Node that is too old what is missing, so this file only uses
// what Node 20 understands.
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { pathToFileURL } from "node:url"

const manifest = createRequire(import.meta.url).resolve("ai-agent-gateway/package.json")
process.argv.splice(2, 0, "init")
await import(pathToFileURL(join(dirname(manifest), "bin", "agent-gateway.js")).href)
