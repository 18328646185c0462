import { readFile } from "node:fs/promises"
import { resolve } from "node:path"
import { toError } from "../../../core/errors.ts"
import { isJsonObject, type JsonObject } from "../../../core/json/json.ts"
import {
  type RunOutput,
  type RunSessionOptions,
  type Runs,
  runOutputExitCode,
  runOutputOutcome,
  runSession,
} from "../../../exports/headless.ts"
import type { Gateway, GatewayRunResult, LogOptions, RunOptions } from "../../../gateway/gateway.ts"
import { waitUntilDelivered } from "../../../gateway/runs/wait-until-delivered.ts"
import { findAgentFile, loadAgent } from "../../agent-file/load-agent.ts"
import { toLogOptions } from "../../arguments.ts"
import type { CliContext } from "../../cli-context.ts"
import { formatAsLine, UsageError } from "../../cli-error.ts"
import { exitCodes, toStopExitCode } from "../../exit-codes.ts"
import { type AnswerPrinter, createAnswerPrinter } from "../../output/answer-printer.ts"
import { createProgressPrinter } from "../../output/run-progress.ts"
import { parseRunArguments, type RunArguments } from "./run-arguments.ts"
import { readMessage } from "./run-message.ts"

/** `run FILE "TASK"` executes one run without a server. The exit code depends on its outcome. */
export async function runCommand(context: CliContext): Promise<number> {
  const { signal } = context
  const runArguments = parseRunArguments(context.argv, context.stdin)
  const { file, demo, output } = runArguments
  try {
    const schema = output === null ? null : await readSchema(output, context.cwd)
    // Nothing is read for a misspelled file.
    await findAgentFile(file, context.cwd)
    const message = await readMessage(runArguments, context)
    const gateway = await loadAgent(file, context)
    const printer = createAnswerPrinter(context)
    try {
      const log = createLogOptions(runArguments, context, printer.endLine)
      await gateway.prepare({ env: context.env, log, ...(!demo && { mode: "run" }) })
      return await runTask({ gateway, message, schema, printer }, runArguments, context)
    } finally {
      // The run has ended, or another process continues it, so there is nothing to wait for.
      await gateway.close({ graceMs: 0 })
    }
  } catch (thrown) {
    if (!signal.aborted) throw thrown
    if (runArguments.jobId !== undefined) reportOpenJob(context)
    return toStopExitCode(signal)
  }
}

/**
 * Returns the options of the log. By default it has only warnings and errors, because the progress of tools and the
 * messages of this command show the rest. Calls `beforeLine` before each line.
 */
function createLogOptions(
  { quiet, log }: RunArguments,
  { logOutput }: CliContext,
  beforeLine: () => void,
): LogOptions {
  const destination = {
    write(line: string) {
      beforeLine()
      logOutput.write(line)
    },
    hasColors: () => logOutput.hasColors?.() === true,
  }
  if (log !== undefined) return { destination, ...toLogOptions(log) }
  return { destination, form: "text", level: quiet ? "error" : "warn" }
}

interface Task {
  readonly gateway: Gateway
  readonly message: string
  readonly schema: JsonObject | null
  readonly printer: AnswerPrinter
}

async function runTask(
  { gateway, message, schema, printer }: Task,
  runArguments: RunArguments,
  context: CliContext,
): Promise<number> {
  const { format, jobId } = runArguments
  const startedAt = Date.now()
  let result: GatewayRunResult<JsonObject> | null = null
  const runs: Runs = {
    run: async (text, request) => {
      result = await gateway.run(text, {
        ...(request as RunOptions),
        ...(schema !== null && { output: schema }),
      })
      return result
    },
  }
  // A job stays open for the next process, and only its gateway is closed.
  const leave = () => void gateway.close({ graceMs: 0 })
  if (jobId !== undefined) context.signal.addEventListener("abort", leave, { once: true })
  const asked = new Set<string>()
  const ended = await runSession(runs, message, {
    ...createSessionOptions(runArguments, context, { beforeLine: printer.endLine, asked }),
    ...(jobId === undefined && { signal: context.signal }),
    ...(format === "text" && schema === null && { onText: printer.onText, onTextDiscarded: printer.onRetry }),
  })
  const { output: run, hasOpenDeliveries } = await waitUntilDelivered(gateway, ended, {
    signal: context.signal,
  })
  // The callback above sets it, which the compiler does not see.
  const finished = result as GatewayRunResult<JsonObject> | null
  if (format === "json") printJson(run, finished, context)
  else if (format === "text" && schema === null) {
    if (run.summary !== null) {
      if (run.response !== "") printer.onText("\n\n")
      printer.onText(run.summary)
    }
    printer.end()
  } else if (format === "text") printOutput(finished, context)
  if (finished?.existed === true && finished.endedAt < startedAt && jobId !== undefined)
    note(context, `Job ${jobId} is already done; this is its result. To repeat the work, use another --job.`)
  if (runOutputOutcome(run) === "success") reportDenied(asked, runArguments, context)
  const exitCode = report(run, runArguments, context)
  // The loop that restarts a job must not stop before its deliveries.
  const isUnfinished = exitCode === exitCodes.success && hasOpenDeliveries && jobId !== undefined
  return isUnfinished ? exitCodes.unfinished : exitCode
}

interface RunObservers {
  /** Called before a line of progress. */
  readonly beforeLine: () => void
  /** Receives the names of the tools whose calls needed an approval. */
  readonly asked: Set<string>
}

function createSessionOptions(
  given: RunArguments,
  context: CliContext,
  { beforeLine, asked }: RunObservers,
): RunSessionOptions {
  const { format, quiet, approvedTools, onHumanNeeded = "ask", stateDir } = given
  const { sessionId, jobId, agent, timeoutSeconds, maxBudgetUsd, maxTurns } = given
  const progress = quiet ? null : createProgressPrinter(context, beforeLine)
  const named = { sessionId, jobId, agent, timeoutSeconds, maxBudgetUsd, maxTurns }
  return {
    ...Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined)),
    ...(stateDir !== undefined && { stateDir: resolve(context.cwd, stateDir) }),
    approvedTools,
    onHumanNeeded,
    onEvent: (event) => {
      if (format === "events") context.answerOutput.write(`${JSON.stringify(event)}\n`)
      if (event.type === "tool_approval_request") asked.add(event.tool_name)
      progress?.(event)
    },
  }
}

function printJson(
  run: RunOutput,
  finished: GatewayRunResult<JsonObject> | null,
  { stdout }: CliContext,
): void {
  const line = { outcome: runOutputOutcome(run), ...run, output: finished?.output ?? null }
  stdout.write(`${JSON.stringify(line)}\n`)
}

function printOutput(finished: GatewayRunResult<JsonObject> | null, { stdout }: CliContext): void {
  const output = finished?.output ?? null
  if (output !== null) stdout.write(`${JSON.stringify(output)}\n`)
}

async function readSchema(file: string, cwd: string): Promise<JsonObject> {
  let schema: unknown
  try {
    schema = JSON.parse(await readFile(resolve(cwd, file), "utf8"))
  } catch (thrown) {
    throw new UsageError(`--output ${file}: ${toError(thrown).message}`)
  }
  if (!isJsonObject(schema)) throw new UsageError(`--output ${file}: a JSON Schema is an object.`)
  return schema
}

function report(run: RunOutput, given: RunArguments, context: CliContext): number {
  const { signal } = context
  for (const warning of run.warnings) note(context, warning)
  if (signal.aborted && runOutputOutcome(run) !== "success") {
    if (run.sessionId !== null && signal.reason !== "SIGPIPE") reportCanceled(run.sessionId, given, context)
    else if (run.errorCode === "store_unavailable") note(context, findProblem(run, given) ?? "")
    return toStopExitCode(signal)
  }
  const problem = findProblem(run, given)
  if (problem !== null) note(context, problem)
  return runOutputExitCode(run)
}

function findProblem(run: RunOutput, { jobId }: RunArguments): string | null {
  const outcome = runOutputOutcome(run)
  switch (outcome) {
    case "success":
      return null
    case "error":
      return `The run failed: ${run.error} (${run.errorCode})`
    case "budget_exceeded":
      return "The run stopped at its budget."
    case "max_turns":
      return "The run stopped at its maximum number of turns."
    case "timeout":
      return "The run was canceled because its time limit expired (--timeout)."
    case "parked": {
      const next =
        jobId === undefined
          ? "Any process that serves this agent then continues the run."
          : "Then run this command again to continue."
      return `The run waits for a person (session ${run.sessionId}). To answer: agent-gateway approvals list. ${next}`
    }
    default:
      return outcome satisfies never
  }
}

/** Notes that calls were denied because no one could be asked. The run itself may look like a success. */
function reportDenied(asked: ReadonlySet<string>, given: RunArguments, context: CliContext): void {
  const { onHumanNeeded = "ask", approvedTools } = given
  const canAsk = context.stdin.isTTY === true && context.stderr.isTTY === true
  if (onHumanNeeded !== "deny" && (onHumanNeeded !== "ask" || canAsk)) return
  const denied = [...asked].filter((tool) => !approvedTools.includes(tool))
  if (denied.length === 0) return
  note(
    context,
    `Calls of ${denied.join(", ")} needed an approval and were denied, because no one can be asked in this run. ` +
      `To allow them: ${denied.map((tool) => `--yes ${tool}`).join(" ")}. To wait for an answer: --on-human-needed park.`,
  )
}

function reportCanceled(sessionId: string, { file }: RunArguments, context: CliContext): void {
  note(
    context,
    "The run was canceled. The conversation so far is saved; to continue it: agent-gateway run " +
      `${file} "TASK" --session ${sessionId}`,
  )
}

function reportOpenJob(context: CliContext): void {
  if (context.signal.reason === "SIGPIPE") return
  note(context, "The job is saved and stays open. To continue it, run the same command again.")
}

function note({ stderr }: CliContext, text: string): void {
  stderr.write(`agent-gateway: ${formatAsLine(text)}\n`)
}
