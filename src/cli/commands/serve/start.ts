import { loadAgent } from "../../agent-file/load-agent.ts"
import type { CliContext } from "../../cli-context.ts"
import { exitCodes } from "../../exit-codes.ts"
import { serve } from "./serve.ts"
import { parseServeArguments } from "./serve-arguments.ts"

/** `start FILE` serves until a signal, which is its normal end. */
export async function startCommand(context: CliContext): Promise<number> {
  const serveArguments = parseServeArguments("start", context.argv, context.env)
  const gateway = await loadAgent(serveArguments.file, context)
  await serve(gateway, serveArguments, context, {
    mode: "start",
    onListening: ({ url, consoleUrl }) => {
      context.stdout.write(`Listening on ${url}\n`)
      for (const { name, path } of gateway.wires) context.stdout.write(`${name}: ${url}${path}\n`)
      if (consoleUrl !== null) context.stdout.write(`Console: ${consoleUrl}\n`)
    },
  })
  return exitCodes.success
}
