import { ConfigurationError } from "../../core/errors.ts"

type Sqlite = typeof import("node:sqlite")

/**
 * Returns Node's SQLite. It is not imported, because on a Node without it the package could not be loaded at all, and
 * Node's error would not name the cause. Throws a `ConfigurationError` that names the remedy instead.
 */
export function loadSqlite(getModule: (name: string) => unknown = process.getBuiltinModule): Sqlite {
  const sqlite = getModule("node:sqlite")
  if (sqlite !== undefined) return sqlite as Sqlite
  throw new ConfigurationError(
    `ai-agent-gateway needs Node 22.18 or newer, and this is Node ${process.versions.node} (${process.execPath}). ` +
      "Install a newer Node from https://nodejs.org, or into this project with: npm install --save-dev node@24. " +
      "Then start the program with npm, or with: npx node FILE",
  )
}
