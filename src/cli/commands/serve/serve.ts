import type { Gateway, Listener, ListenOptions } from "../../../gateway/gateway.ts"
import type { CliContext } from "../../cli-context.ts"
import { CliError } from "../../cli-error.ts"
import { exitCodes } from "../../exit-codes.ts"
import type { ServeArguments } from "./serve-arguments.ts"

export interface ServeOptions {
  readonly mode: "dev" | "start"
  readonly onListening: (server: Pick<Listener, "url" | "apiUrl" | "port" | "consoleUrl">) => void
  /** Milliseconds that runs may continue after the signal to stop. Default: the gateway's own. */
  readonly graceMs?: number
}

/** Serves until `context.signal` aborts, then stops gracefully, even while the gateway is still starting. */
export async function serve(
  gateway: Gateway,
  { host, port, allowAnyKey, console }: ServeArguments,
  context: CliContext,
  { mode, onListening, graceMs }: ServeOptions,
): Promise<void> {
  const stopped = waitForAbort(context.signal)
  const start = async () => {
    await gateway.prepare({ mode, env: context.env, ...(console !== undefined && { console }) })
    onListening(await listen(gateway, { host, port, ...(allowAnyKey && { allowAnyKey }) }))
    await stopped
  }
  try {
    await Promise.race([start(), stopped])
  } finally {
    // The hint is for a person who stopped `start`. A reload of `dev` and a failed start need none.
    const isAnnounced = mode === "start" && context.signal.aborted
    const hint = isAnnounced ? setTimeout(() => context.stderr.write(stopHint), hintAfterMs) : undefined
    try {
      await gateway.close(graceMs === undefined ? {} : { graceMs })
    } finally {
      clearTimeout(hint)
    }
  }
}

/** Milliseconds after which a slow stop is announced. */
const hintAfterMs = 300
const stopHint =
  "agent-gateway: stopping. Open runs may still end; a second signal (Ctrl+C) ends the process at once. " +
  "Runs that are open then continue at the next start.\n"

async function listen(gateway: Gateway, options: ListenOptions) {
  try {
    return await gateway.listen(options)
  } catch (thrown) {
    const problem = findAddressProblem(thrown)
    if (problem === null) throw thrown
    throw new CliError(`cannot listen on ${options.host}:${options.port}: ${problem}`, {
      exitCode: exitCodes.cannotListen,
      cause: thrown,
    })
  }
}

function findAddressProblem(thrown: unknown): string | null {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    switch ((error as NodeJS.ErrnoException).code) {
      case "EADDRINUSE":
        return "the port is in use; stop the other program or choose another port with --port."
      case "EACCES":
        return "this user may not use the port; choose one above 1023 with --port."
      case "EADDRNOTAVAIL":
      case "ENOTFOUND":
        return "this machine has no such address; choose another with --host."
    }
  }
  return null
}

export function waitForAbort(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener("abort", () => resolve(), { once: true })
  })
}
