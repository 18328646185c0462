import { mkdirSync, renameSync, writeFileSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { rolldown } from "rolldown"

/** Packages that load their own files or native code, or that only some programs have. */
const unbundled = ["@opentelemetry/api", "dockerode", "nodemailer", "openai", "pg", "pino", "sharp"]

/** Inside the repository, because the program finds the packages that are not bundled from there. */
const folder = fileURLToPath(new URL("../node_modules/.cache/agent-gateway-programs", import.meta.url))

/**
 * Bundles a program of the tests with the sources and packages that it imports. Resolves to the file. A gateway starts
 * in a third of the time from one file instead of a thousand, and some tests start one for each of a hundred crashes.
 */
export async function bundleProgram(program: URL): Promise<string> {
  const input = fileURLToPath(program)
  const build = await rolldown({ input, platform: "node", external: unbundled, plugins: [keepLocations] })
  try {
    const { output } = await build.generate({ format: "esm", codeSplitting: false })
    return writeProgram(`${basename(dirname(dirname(input)))}-${basename(input, ".ts")}.mjs`, output[0].code)
  } finally {
    await build.close()
  }
}

/** Lets a module find files beside its source: worker threads, the manifest of its package. */
const keepLocations = {
  name: "keep-locations",
  transform: (code: string, id: string) =>
    code.includes("import.meta.url")
      ? code.replaceAll("import.meta.url", JSON.stringify(pathToFileURL(id).href))
      : null,
}

/** Renames the complete file, because several test files may write it at once. */
function writeProgram(name: string, code: string): string {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, name)
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, code)
  renameSync(draft, file)
  return file
}
