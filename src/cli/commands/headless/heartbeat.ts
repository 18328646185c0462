import { resolve } from "node:path"
import {
  type HeartbeatConfig,
  HeartbeatLoop,
  type HeartbeatTick,
  heartbeatMessage,
  type RunOutput,
  runSession,
  type TickResult,
} from "../../../exports/headless.ts"
import type { Gateway } from "../../../gateway/gateway.ts"
import { loadAgent } from "../../agent-file/load-agent.ts"
import type { CliContext } from "../../cli-context.ts"
import { formatAsLine } from "../../cli-error.ts"
import { exitCodes } from "../../exit-codes.ts"
import { type HeartbeatArguments, parseHeartbeatArguments } from "./heartbeat-arguments.ts"

/** `heartbeat FILE` runs ticks until a signal, which is its normal end. */
export async function runHeartbeatCommand(context: CliContext): Promise<number> {
  const { signal, answerOutput } = context
  const given = parseHeartbeatArguments(context.argv)
  const gateway = await loadAgent(given.file, context)
  // The tick in progress stays open, and the next start continues it.
  const leave = () => void gateway.close({ graceMs: 0 })
  try {
    const loop = new HeartbeatLoop({
      config: createConfig(given, context),
      run: (tick) => runTick(gateway, tick, given),
      onAlert: ({ response }) => void answerOutput.write(`${response}\n`),
      onTick: (result) => report(result, context),
      onProblem: (problem) => note(context, problem),
    })
    await gateway.prepare({ env: context.env, ...(!given.demo && { mode: "run" }) })
    signal.addEventListener("abort", leave, { once: true })
    await loop.start({ signal })
    return exitCodes.success
  } finally {
    signal.removeEventListener("abort", leave)
    await gateway.close({ graceMs: 0 })
  }
}

function createConfig(given: HeartbeatArguments, { cwd }: CliContext): HeartbeatConfig {
  const { intervalSeconds, cron, activeHours, timezone, maxTicks, maxBudgetUsdPerDay, checklist, stateDir } =
    given
  const named = { intervalSeconds, cron, activeHours, timezone, maxTicks, maxBudgetUsdPerDay }
  return {
    ...Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined)),
    ...(checklist !== undefined && { checklistPath: resolve(cwd, checklist) }),
    stateDir: resolve(cwd, stateDir),
  }
}

/**
 * Runs a tick. Each has its own session, so that an idle tick only costs the tokens of the prompt and the checklist.
 */
function runTick(
  gateway: Gateway,
  { jobId, checklist, maxBudgetUsd }: HeartbeatTick,
  { task = heartbeatMessage, agent, timeoutSeconds, approvedTools }: HeartbeatArguments,
): Promise<RunOutput> {
  return runSession(gateway, task, {
    jobId,
    approvedTools,
    ...(agent !== undefined && { agent }),
    ...(timeoutSeconds !== undefined && { timeoutSeconds }),
    ...(checklist !== null && { notes: [`## CHECKLIST\n${checklist}`] }),
    ...(maxBudgetUsd !== null && { maxBudgetUsd }),
  })
}

function report({ outcome, error, pausedUntil }: TickResult, context: CliContext): void {
  if (outcome === "error") note(context, `The heartbeat failed: ${error}`)
  if (outcome === "budget_exceeded")
    note(context, "The heartbeat stopped at its budget; its response may not be complete.")
  if (outcome === "max_turns_reached") note(context, "The heartbeat stopped at its maximum number of turns.")
  if (pausedUntil !== null)
    note(
      context,
      `Too many heartbeats failed in a row. The next one is at ${new Date(pausedUntil).toISOString()}.`,
    )
}

function note({ stderr }: CliContext, text: string): void {
  stderr.write(`agent-gateway: ${formatAsLine(text)}\n`)
}
