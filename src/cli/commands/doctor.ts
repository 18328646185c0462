import { setTimeout as delay } from "node:timers/promises"
import type { Gateway } from "../../gateway/gateway.ts"
import { loadAgent } from "../agent-file/load-agent.ts"
import { parseDoctorArguments } from "../arguments.ts"
import type { CliContext } from "../cli-context.ts"
import { failureLine, oneLine } from "../cli-error.ts"
import { exitCodes } from "../exit-codes.ts"

/** Milliseconds that MCP servers may take to start before they are reported as they are. */
const patienceMs = 20_000
const pauseMs = 200
const keys = ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "OPENAI_API_KEY"]

/**
 * `doctor FILE`: opens everything the agent needs, and says of each part whether it works and if not, why: what
 * `start` would refuse, the store, the backend that code runs in, each MCP server with the link to authorize it.
 * Exits with 1 when any does not work.
 */
export async function doctorCommand(context: CliContext): Promise<number> {
  const { argv, env, stdout, signal } = context
  const gateway = await loadAgent(parseDoctorArguments(argv), context)
  const set = keys.filter((key) => env[key])
  stdout.write(`ok    node: ${process.versions.node}\n`)
  stdout.write(`ok    keys: ${set.length === 0 ? "none in the environment" : set.join(", ")}\n`)
  try {
    const refusal = await refusalOf(gateway, "start", env)
    stdout.write(refusal === null ? "ok    start\n" : `FAILS start: ${failureLine(refusal)}\n`)
    // For want of a model alone the rest can be looked at all the same.
    if (refusal !== null && (await refusalOf(gateway, "dev", env)) !== null) return exitCodes.failure
    const ends = performance.now() + patienceMs
    let { checks } = await gateway.readiness({ forOperator: true })
    while (Object.values(checks).some(isStarting) && performance.now() < ends) {
      await delay(pauseMs, undefined, { signal })
      checks = (await gateway.readiness({ forOperator: true })).checks
    }
    for (const [name, { ok, detail }] of Object.entries(checks)) {
      stdout.write(`${ok ? "ok   " : "FAILS"} ${name}${detail === undefined ? "" : `: ${oneLine(detail)}`}\n`)
    }
    const allIsWell = refusal === null && Object.values(checks).every(({ ok }) => ok)
    return allIsWell ? exitCodes.success : exitCodes.failure
  } finally {
    await gateway.close({ graceMs: 0 })
  }
}

/** Returns the reason that the gateway does not start in this mode; null if it does. */
async function refusalOf(gateway: Gateway, mode: "dev" | "start", env: CliContext["env"]): Promise<unknown> {
  try {
    // Nobody who looks at a gateway wants it to take up runs, which it would leave again at once.
    await gateway.prepare({ mode, env, idle: true })
    return null
  } catch (thrown) {
    return thrown
  }
}

function isStarting({ detail }: { readonly detail?: string }): boolean {
  return detail === "starting"
}
