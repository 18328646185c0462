import { parseArgs } from "node:util"
import { expectPositionals } from "../../arguments.ts"
import { parseUsage, UsageError } from "../../cli-error.ts"

export interface ServeArguments {
  readonly file: string
  readonly host: string
  readonly port: number
  /** Undefined: the agent's own option applies. */
  readonly allowAnyKey?: true
  /** Undefined: the agent's own option applies. */
  readonly console?: boolean
}

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
        verbose: { type: "boolean" },
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

function parsePort(text: string, source: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (port <= 65_535) return port
  throw new UsageError(`${source} must be a number from 0 to 65535, but it is ${JSON.stringify(text)}.`)
}
