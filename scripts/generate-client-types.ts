// Writes src/core/wire/ from the gateway's OpenAPI document. Run it after each change of the document:
//   node scripts/generate-client-types.ts
import { execFile } from "node:child_process"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"
import { openApiDocument } from "./openapi-document.ts"
import { type OpenApiDocument, wireTypes } from "./wire-types.ts"

const repository = join(import.meta.dirname, "..")
/** Folder of the generated files. */
export const wireFolder = join(repository, "src/core/wire")

/** Returns the texts that the files of `src/core/wire` must have, by name. */
export async function generate(): Promise<Readonly<Record<string, string>>> {
  return formatted(wireTypes((await openApiDocument()) as OpenApiDocument))
}

async function formatted(
  sources: Readonly<Record<string, string>>,
): Promise<Readonly<Record<string, string>>> {
  // The folder is in the repository, so that the repository's formatter settings apply.
  const folder = await mkdtemp(join(repository, "scripts/.generated-"))
  try {
    await writeAll(folder, sources)
    const biome = join(repository, "node_modules/.bin/biome")
    await promisify(execFile)(biome, ["format", "--write", folder], { cwd: repository })
    const names = Object.keys(sources)
    const texts = names.map(async (name) => [name, await readFile(join(folder, name), "utf8")] as const)
    return Object.fromEntries(await Promise.all(texts))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function writeAll(folder: string, sources: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(sources)) await writeFile(join(folder, name), text)
}

if (import.meta.main) await writeAll(wireFolder, await generate())
