import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"

/** The effect of one execution of a tool. */
export interface Effect {
  readonly tool: string
  readonly sessionId: string
  readonly toolCallId: string
  readonly key: string
  readonly input: Readonly<Record<string, unknown>>
}

/** Resolves to all effects: the lines of one file, and one file for each key of an idempotent tool. */
export async function effectsIn(folder: string): Promise<readonly Effect[]> {
  const keyed = (await readdir(folder)).filter((name) => name.startsWith("effect-"))
  const texts = await Promise.all(keyed.map((name) => readFile(join(folder, name), "utf8")))
  return [...(await linesOf(folder, "effects.jsonl")), ...texts].map((text) => JSON.parse(text) as Effect)
}

/** Resolves to the crash points at which processes died, in order. */
export function deathsIn(folder: string): Promise<readonly string[]> {
  return linesOf(folder, "deaths.txt")
}

/** Resolves to the complete lines of a file in the folder. Empty if the file does not exist. */
export async function linesOf(folder: string, name: string): Promise<readonly string[]> {
  const text = await readFile(join(folder, name), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return ""
    throw error
  })
  return text.split("\n").slice(0, -1)
}
