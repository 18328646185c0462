import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { eventually } from "./eventually.ts"

/** Resolves to the lines that the tools of test/fixtures/agent.ts wrote in the gateway's working directory. */
export async function journal(folder: string): Promise<readonly string[]> {
  const text = await readFile(join(folder, "journal.txt"), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return ""
    throw error
  })
  return text.split("\n").slice(0, -1)
}

/** Resolves once a line of the journal starts with this text. */
export function journaled(folder: string, beginning: string): Promise<readonly string[]> {
  return eventually(`the journal's line “${beginning}”`, async () => {
    const lines = await journal(folder)
    return lines.some((line) => line.startsWith(beginning)) ? lines : null
  })
}

/** Lets the journaling tools return from now on. */
export function release(folder: string): Promise<void> {
  return writeFile(join(folder, "release.txt"), "")
}
