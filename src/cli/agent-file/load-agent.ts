import { stat } from "node:fs/promises"
import { registerHooks } from "node:module"
import { resolve, sep } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { GatewayError, toError } from "../../core/errors.ts"
import { isJsonObject } from "../../core/json/json.ts"
import type { Gateway } from "../../gateway/gateway.ts"
import { CliError, UsageError } from "../cli-error.ts"
import { importHint } from "./import-hint.ts"
import { locateFailure } from "./locate-failure.ts"

export interface LoadOptions {
  readonly cwd: string
  /** Called with each of the agent's own files, before it is loaded, including files that are loaded later. */
  readonly onFile?: (path: string) => void
}

/** Imports the agent's file and returns its default export. Throws a `CliError` that describes the problem. */
export async function loadAgent(file: string, { cwd, onFile }: LoadOptions): Promise<Gateway> {
  const path = await findAgentFile(file, cwd)
  const files: string[] = []
  watchLoading((loaded) => {
    files.push(loaded)
    onFile?.(loaded)
  })
  let agentModule: unknown
  try {
    agentModule = await import(pathToFileURL(path).href)
  } catch (thrown) {
    throw await importFailure(thrown, { file, cwd, files })
  }
  return readDefaultExport(agentModule, file)
}

/** Returns the file's absolute path. Throws a `UsageError` if there is no such file. */
export async function findAgentFile(file: string, cwd: string): Promise<string> {
  const path = resolve(cwd, file)
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(error.code === "ENOENT" ? `${file} does not exist.` : `${file}: ${error.message}`)
  })
  if (!found.isFile()) throw new UsageError(`${file} is not a file.`)
  return path
}

async function importFailure(
  thrown: unknown,
  { file, cwd, files }: { readonly file: string; readonly cwd: string; readonly files: readonly string[] },
): Promise<CliError> {
  const error = toError(thrown)
  const place = (await locateFailure(error, { cwd, files })) ?? file
  const kind = error instanceof GatewayError ? "" : `${error.name}: `
  return new CliError(`${place}: ${kind}${error.message}${importHint(error)}`, { cause: thrown })
}

function readDefaultExport(agentModule: unknown, file: string): Gateway {
  const exported = agentModule as { readonly default?: unknown }
  if (isGateway(exported.default)) return exported.default
  const names = Object.keys(agentModule as object).join(", ")
  const found =
    exported.default === undefined
      ? `it has no default export${names === "" ? "" : ` (only ${names})`}`
      : `its default export is ${exported.default === null ? "null" : `of type ${typeof exported.default}`}`
  throw new CliError(
    `${file} must have a gateway as its default export, as in: export default createAgent("You are …"); but ${found}.`,
  )
}

function isGateway(value: unknown): value is Gateway {
  const methods: readonly unknown[] = isJsonObject(value)
    ? ["fetch", "listen", "run", "close", "prepare"].map((name) => value[name])
    : [undefined]
  return methods.every((method) => typeof method === "function")
}

const ownFolder = fileURLToPath(new URL("../..", import.meta.url))

/**
 * Reports the path of each file that this process loads from now on, except those of installed packages and of this
 * package.
 */
function watchLoading(onFile: (path: string) => void): void {
  registerHooks({
    load(url, context, nextLoad) {
      if (url.startsWith("file:")) {
        const path = fileURLToPath(url)
        if (!path.includes(`${sep}node_modules${sep}`) && !path.startsWith(ownFolder)) onFile(path)
      }
      return nextLoad(url, context)
    },
  })
}
