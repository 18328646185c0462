#!/usr/bin/env node
// Only syntax and built-ins that any Node understands: this file is what tells an old one what is missing.
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

// Node 22 calls node:sqlite experimental whenever it is loaded. Every other warning stays.
function silenceSqliteWarning() {
  const emitWarning = process.emitWarning
  process.emitWarning = (warning, ...rest) => {
    if (String(warning).includes("SQLite is an experimental feature")) return
    emitWarning.call(process, warning, ...rest)
  }
}
