import { loadAgent } from "../../agent-file/load-agent.ts"
import type { CliContext } from "../../cli-context.ts"
import { exitCodes, type StopReason, toStopExitCode } from "../../exit-codes.ts"
import { serve, waitForAbort } from "./serve.ts"
import { parseServeArguments } from "./serve-arguments.ts"

/**
 * The command for `dev` itself, which starts itself again under this name, once for each state of the agent's files.
 */
export const devWorkerName = "dev-worker"

/** Milliseconds of grace. It is short, because a reload parks runs, and the next worker resumes them. */
const graceMs = 200

export async function runDevWorkerCommand(context: CliContext): Promise<number> {
  const serveArguments = parseServeArguments("dev", context.argv, context.env)
  const gateway = await loadAgent(serveArguments.file, {
    cwd: context.cwd,
    onFile: (path) => context.report?.({ type: "file", path }),
  })
  context.report?.({ type: "loaded" })
  await Promise.race([context.mayServe, waitForAbort(context.signal)])
  await serve(gateway, serveArguments, context, {
    mode: "dev",
    graceMs,
    onListening: ({ url, apiUrl, port, consoleUrl }) => {
      context.report?.({ type: "listening", url, apiUrl, port, consoleUrl, wires: gateway.wires })
    },
  })
  // A signal that did not reach the supervisor came from outside. The supervisor then starts the agent again.
  return context.signal.reason === ("supervisor" satisfies StopReason)
    ? exitCodes.success
    : toStopExitCode(context.signal)
}
