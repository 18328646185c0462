import { parseArgs } from "node:util"
import { connect } from "../../../client/index.ts"
import type { Gateway } from "../../../gateway/gateway.ts"
import { loadAgent } from "../../agent-file/load-agent.ts"
import type { CliContext } from "../../cli-context.ts"
import { parseUsage, UsageError } from "../../cli-error.ts"
import { exitCodes, toStopExitCode } from "../../exit-codes.ts"
import { converse } from "./converse.ts"
import { findApi } from "./find-api.ts"
import { createLineInput } from "./line-input.ts"

const defaultUrl = "http://127.0.0.1:8000/api"

/** `chat [TARGET]` is a conversation in the terminal, with a running gateway or with an agent that it starts. */
export async function runChatCommand(context: CliContext): Promise<number> {
  const { target, apiKey, session, user } = parse(context.argv, context.env)
  if (isHostAndPort(target)) throw new UsageError(`${target} is not a URL; did you mean http://${target}?`)
  const gateway = isUrl(target) ? null : await loadAgent(target, context)
  const input = createLineInput(context.stdin)
  try {
    const url = gateway === null ? await findApi(target, context.signal) : await serve(gateway, context)
    const chat = connect({
      url,
      apiKey,
      ...(session !== undefined && { sessionId: session }),
      ...(user !== undefined && { userId: user }),
      onConnection(state) {
        if (state.state !== "waiting" || state.failures > 1) return
        context.stderr.write("agent-gateway: the connection was lost; reconnecting.\n")
      },
    })
    context.stdout.write("Write a message, or /help.\n")
    const { hasFailed, isSessionMissing } = await converse({ ...context, chat, input })
    if (chat.sessionId !== null && !isSessionMissing)
      context.stdout.write(`Continue with --session ${chat.sessionId}\n`)
    if (context.signal.aborted) return toStopExitCode(context.signal)
    // A person at a terminal has seen the failure. A script sees only the exit code.
    return hasFailed && context.stdin.isTTY !== true ? exitCodes.failure : exitCodes.success
  } finally {
    input.close()
    await gateway?.close({ graceMs: 0 })
  }
}

function parse(argv: readonly string[], env: CliContext["env"]) {
  const { values, positionals } = parseUsage("chat", () =>
    parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        "api-key": { type: "string" },
        session: { type: "string" },
        user: { type: "string" },
        verbose: { type: "boolean" },
      },
    }),
  )
  const [target = defaultUrl, extra] = positionals
  if (extra !== undefined)
    throw new UsageError(`unexpected argument ${extra} (see agent-gateway chat --help)`)
  const { session, user, "api-key": apiKey = env.AGENT_GATEWAY_API_KEY || "dev" } = values
  return { target, apiKey, session, user }
}

function isUrl(target: string): boolean {
  return /^https?:\/\//.test(target) && URL.canParse(target)
}

function isHostAndPort(target: string): boolean {
  return /^[\w.-]+:\d+(\/|$)/.test(target)
}

/** Serves the agent on this machine only, on a port that the system chooses. Returns the address of its API. */
async function serve(gateway: Gateway, { env }: CliContext): Promise<string> {
  // The conversation shows failed calls itself. Log lines at lower levels would repeat them.
  await gateway.prepare({ env, log: { level: "error" } })
  const { apiUrl } = await gateway.listen({ host: "127.0.0.1", port: 0, allowAnyKey: true })
  return apiUrl
}
