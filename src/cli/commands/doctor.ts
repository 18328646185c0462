import { setTimeout as delay } from "node:timers/promises"
import { parseArgs } from "node:util"
import type { Gateway, PrepareOptions } from "../../gateway/gateway.ts"
import type { ModelProbe } from "../../gateway/operate/probe-models.ts"
import { loadAgent } from "../agent-file/load-agent.ts"
import { expectPositionals, type LogForm, parseLogForm, toLogOptions } from "../arguments.ts"
import type { CliContext } from "../cli-context.ts"
import { formatAsLine, formatFailure, parseUsage } from "../cli-error.ts"
import { exitCodes } from "../exit-codes.ts"

/**
 * Milliseconds that MCP servers may take to start. After that, their current state is reported. It is longer than the
 * default time limit of a start, so that the reason of a slow start is known.
 */
const patienceMs = 40_000
const pauseMs = 200
const rerun = "To see why, run doctor again with --log pretty."
const stillStarting = `still starting after ${patienceMs / 1_000} seconds. ${rerun}`
const keys = ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "OPENAI_API_KEY"]

/**
 * `doctor FILE` opens everything that the agent needs and calls each model once. It reports for each part if it
 * works, or why not: mistakes that `start` would refuse, the store, the backend that runs code, each MCP server with
 * the link to authorize it, and each model. Exits with 1 if a part does not work.
 */
export async function runDoctorCommand(context: CliContext): Promise<number> {
  const { argv, env, signal } = context
  const { file, callsModels, log } = parse(argv)
  const prepare = { env, log: { destination: context.logOutput, ...toLogOptions(log) } }
  const gateway = await loadAgent(file, context)
  const set = keys.filter((key) => env[key])
  const report = createReport(context)
  report({ name: "node", ok: true, detail: process.versions.node })
  report({ name: "keys", ok: true, detail: set.length === 0 ? "none in the environment" : set.join(", ") })
  try {
    const refusal = await findRefusal(gateway, { mode: "start", ...prepare })
    report({ name: "start", ok: refusal === null, detail: refusal === null ? "" : formatFailure(refusal) })
    // The other parts can still be checked without a model.
    if (refusal !== null && (await findRefusal(gateway, { mode: "dev", ...prepare })) !== null)
      return exitCodes.failure
    const checks = await awaitChecks(gateway, signal)
    for (const [name, { ok, detail = "" }] of Object.entries(checks)) {
      report({ name, ok, detail: isStarting({ detail }) ? stillStarting : detail })
    }
    for (const { name, path } of gateway.wires) report({ name: `wire ${name}`, ok: true, detail: path })
    const probes = refusal === null && callsModels ? await gateway.probeModels({ signal }) : []
    for (const probe of probes) report(toFinding(probe))
    const allWork =
      refusal === null &&
      Object.values(checks).every(({ ok }) => ok) &&
      probes.every(({ failure }) => failure === null)
    return allWork ? exitCodes.success : exitCodes.failure
  } finally {
    await gateway.close({ graceMs: 0 })
  }
}

function parse(argv: readonly string[]): {
  readonly file: string
  readonly callsModels: boolean
  readonly log: LogForm
} {
  const options = {
    "no-model-calls": { type: "boolean" },
    log: { type: "string" },
    verbose: { type: "boolean" },
  } as const
  const { values, positionals } = parseUsage("doctor", () =>
    parseArgs({ args: [...argv], allowPositionals: true, options }),
  )
  const [file] = expectPositionals("doctor", positionals, ["FILE"])
  const { "no-model-calls": skipsModels = false, log } = values
  return { file, callsModels: !skipsModels, log: parseLogForm(log) ?? "none" }
}

interface Finding {
  readonly name: string
  readonly ok: boolean
  /** Empty if there are no details. */
  readonly detail: string
}

function createReport({ stdout }: CliContext): (finding: Finding) => void {
  return ({ name, ok, detail }) => {
    stdout.writeStyled(ok ? "green" : "red", ok ? "ok   " : "FAILS")
    stdout.write(` ${formatAsLine(name)}${detail === "" ? "" : `: ${formatAsLine(detail)}`}\n`)
  }
}

/** Repeats the checks until no part is starting any more, or `patienceMs` have passed. */
async function awaitChecks(gateway: Gateway, signal: AbortSignal) {
  const ends = performance.now() + patienceMs
  let { checks } = await gateway.readiness({ forOperator: true })
  while (Object.values(checks).some(isStarting) && performance.now() < ends) {
    await delay(pauseMs, undefined, { signal })
    checks = (await gateway.readiness({ forOperator: true })).checks
  }
  return checks
}

function toFinding({ provider, model, failure, durationMs, usage, cost }: ModelProbe): Finding {
  const name = `model ${provider} ${model}`
  if (failure === null) {
    const tokens = usage === null ? "" : `, ${usage.inputTokens}→${usage.outputTokens} tokens`
    const price = cost === null ? ", price not known" : `, $${cost.toFixed(6)}`
    return { name, ok: true, detail: `responded in ${durationMs} ms${tokens}${price}` }
  }
  const remedy = remedies[failure.code]
  const reason = `${failure.message}${failure.detail === undefined ? "" : ` (${failure.detail})`}`
  return { name, ok: false, detail: remedy === undefined ? reason : `${reason} ${remedy}` }
}

/** Advice to the operator by the code of a failure. */
const remedies: Readonly<Record<string, string>> = {
  authentication_failed: "Check the key: the environment variable, or the option apiKey.",
  model_not_found:
    "Check the option model: the name may be misspelled, or the key may not have access to it.",
  upstream_unreachable:
    "Check the base URL (ANTHROPIC_BASE_URL, OPENAI_BASE_URL or baseURL) and the network.",
  upstream_timeout: "Check the base URL and the network, or the state of the service.",
  upstream_invalid: "Check the base URL: the server there does not answer as this provider does.",
  quota_exceeded: "Check the plan and the billing of the account.",
  rate_limited: "Wait, or check the limits of the account.",
}

/** Returns the reason why the gateway does not start in this mode. Null if it starts. */
async function findRefusal(gateway: Gateway, options: PrepareOptions): Promise<unknown> {
  try {
    // A gateway that is only checked must not continue runs.
    await gateway.prepare({ ...options, idle: true })
    return null
  } catch (thrown) {
    return thrown
  }
}

function isStarting({ detail }: { readonly detail?: string }): boolean {
  return detail === "starting"
}
