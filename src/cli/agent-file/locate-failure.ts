import { execFile } from "node:child_process"
import { existsSync } from "node:fs"
import { relative, sep } from "node:path"
import { fileURLToPath } from "node:url"

const ownFolder = fileURLToPath(new URL("../..", import.meta.url))

/**
 * Returns the place in the agent's files where an import failed, as `file:line` relative to `cwd`. Null if it is
 * unknown.
 */
export async function locateFailure(
  error: Error,
  { cwd, files }: { readonly cwd: string; readonly files: readonly string[] },
): Promise<string | null> {
  const place =
    findFirstLine(error.stack ?? "") ?? findFirstFrame(error.stack ?? "") ?? (await checkSyntax(error, files))
  return place === null ? null : `${relative(cwd, place.path)}:${place.line}`
}

interface Place {
  readonly path: string
  readonly line: string
}

/** Returns the place above the message, where Node's TypeScript and linking steps put the place of a syntax error. */
function findFirstLine(text: string): Place | null {
  const [, path, line] = /^(.+):(\d+)\n/.exec(text) ?? []
  return toPlace(path, line)
}

/** Returns the topmost call in one of the agent's own files. */
function findFirstFrame(stack: string): Place | null {
  for (const [, path, line] of stack.matchAll(/^ +at (?:.*\()?(.+?):(\d+):\d+\)?$/gm)) {
    const place = toPlace(path, line)
    if (
      place !== null &&
      !place.path.includes(`${sep}node_modules${sep}`) &&
      !place.path.startsWith(ownFolder)
    ) {
      return place
    }
  }
  return null
}

/** Returns the place of a syntax error in plain JavaScript. The error has no place. Only Node's own report has it. */
async function checkSyntax(error: Error, files: readonly string[]): Promise<Place | null> {
  if (!(error instanceof SyntaxError)) return null
  for (const file of files.slice(-20).reverse()) {
    const place = findFirstLine(await checkReport(file))
    if (place !== null) return place
  }
  return null
}

function checkReport(file: string): Promise<string> {
  return new Promise((resolve) => {
    execFile(process.execPath, ["--check", file], { timeout: 10_000 }, (_error, _stdout, stderr) =>
      resolve(stderr),
    )
  })
}

function toPlace(location: string | undefined, line: string | undefined): Place | null {
  if (location === undefined || line === undefined) return null
  const path = location.startsWith("file:") ? fileURLToPath(location) : location
  return existsSync(path) ? { path, line } : null
}
