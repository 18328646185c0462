import { parseArgs } from "node:util"
import { isJsonObject, type JsonObject } from "../core/json/json.ts"
import { formatAsLine, parseUsage, UsageError } from "./cli-error.ts"

export interface ServeArguments {
  readonly file: string
  readonly host: string
  readonly port: number
  /** Undefined: the agent's own option applies. */
  readonly allowAnyKey?: true
  /** Undefined: the agent's own option applies. */
  readonly console?: boolean
}

const common = { verbose: { type: "boolean" } } as const

/** Parses the arguments of `dev` and `start`. Without `--port`, `PORT` is the port. */
export function parseServeArguments(
  command: string,
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ServeArguments {
  const { values, positionals } = parseUsage(command, () =>
    parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        ...common,
        host: { type: "string" },
        port: { type: "string" },
        "allow-any-key": { type: "boolean" },
        console: { type: "boolean" },
        "no-console": { type: "boolean" },
      },
    }),
  )
  const [file] = expectPositionals(command, positionals, ["FILE"])
  return {
    file,
    host: values.host ?? "127.0.0.1",
    port:
      values.port === undefined ? parsePort(env.PORT || "8000", "PORT") : parsePort(values.port, "--port"),
    ...(values["allow-any-key"] && { allowAnyKey: true }),
    ...parseConsoleArgument(values),
  }
}

function parseConsoleArgument(values: { readonly console?: boolean; readonly "no-console"?: boolean }) {
  if (values.console && values["no-console"]) {
    throw new UsageError("--console and --no-console exclude each other.")
  }
  if (values["no-console"]) return { console: false }
  return values.console ? { console: true } : {}
}

export function parseDoctorArguments(argv: readonly string[]): {
  readonly file: string
  readonly callsModels: boolean
} {
  const options = { ...common, "no-model-calls": { type: "boolean" } } as const
  const { values, positionals } = parseUsage("doctor", () =>
    parseArgs({ args: [...argv], allowPositionals: true, options }),
  )
  const [file] = expectPositionals("doctor", positionals, ["FILE"])
  return { file, callsModels: values["no-model-calls"] !== true }
}

/** Throws a `UsageError` unless there is exactly one argument for each name. */
export function expectPositionals<const Names extends readonly string[]>(
  command: string,
  positionals: readonly string[],
  names: Names,
): { readonly [Index in keyof Names]: string } {
  if (positionals.length === names.length) {
    return positionals as readonly string[] as { readonly [Index in keyof Names]: string }
  }
  const missing = names[positionals.length]
  const problem =
    missing === undefined ? `unexpected argument ${positionals[names.length]}` : `${missing} is missing`
  throw new UsageError(`${problem}; usage: agent-gateway ${command} ${names.join(" ")}`)
}

/** Parses a JSON object. `what` names the argument in error messages. */
export function parseJsonObject(text: string, what: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text)
    if (isJsonObject(value)) return value
  } catch {
    // The error below covers this case, like any other value that is not an object.
  }
  throw new UsageError(`${what} must be a JSON object, as {"name":"Ada"}, but it is ${formatAsLine(text)}`)
}

function parsePort(text: string, source: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (port <= 65_535) return port
  throw new UsageError(`${source} must be a number from 0 to 65535, but it is ${JSON.stringify(text)}.`)
}
