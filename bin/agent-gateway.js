#!/usr/bin/env node
// Only syntax and built-ins that any Node understands: this file is what tells an old one what is missing.
import * as module from "node:module"
import { homedir } from "node:os"
import { join } from "node:path"

const [major, minor] = process.versions.node.split(".").map(Number)

if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `agent-gateway needs Node 22.18 or newer, and this is Node ${process.versions.node} (${process.execPath}). ` +
      "Install a newer Node from https://nodejs.org, or into this project with: npm install --save-dev node@24. " +
      "Then npm start and npx agent-gateway use that Node.",
  )
  process.exitCode = 1
} else {
  silenceSqliteWarning()
  keepCompiledCode()
  import("../dist/cli.js").then(
    (cli) => cli.main(),
    (error) => {
      console.error(isNotBuilt(error) ? "agent-gateway is not built. In a clone, run: npm run build" : error)
      process.exitCode = 1
    },
  )
}

// A clone has no dist before its first build. A package always has it.
function isNotBuilt(error) {
  return (
    error.code === "ERR_MODULE_NOT_FOUND" && error.url === new URL("../dist/cli.js", import.meta.url).href
  )
}

// Saves a sixth of the CPU time of a start. Only the user can write to the folder, because Node trusts what is in it.
// NODE_COMPILE_CACHE names another folder, and NODE_DISABLE_COMPILE_CACHE=1 switches this off.
function keepCompiledCode() {
  try {
    module.enableCompileCache(join(homedir(), ".cache", "ai-agent-gateway"))
  } catch {
    // A user without a home has no such folder. Node then compiles the code at each start.
  }
}

// Node 22 calls node:sqlite experimental whenever it is loaded. Every other warning stays.
function silenceSqliteWarning() {
  const emitWarning = process.emitWarning
  process.emitWarning = (warning, ...rest) => {
    if (String(warning).includes("SQLite is an experimental feature")) return
    emitWarning.call(process, warning, ...rest)
  }
}
