import { ConfigurationError } from "../../core/errors.ts"
import type { SystemBlock } from "../../core/ports/model/provider.ts"
import { rejectOnAbort } from "../../core/time/reject-on-abort.ts"
import type { DeliveryOptions } from "../../features/delivery/options.ts"
import { createDeliveryPlugin, type RunRecords } from "../../features/delivery/plugin.ts"
import {
  type ResolvedRunOptions,
  type RunSessionOptions,
  resolveRunOptions,
  runSessionShape,
} from "../../features/headless/run/options.ts"
import {
  type RetriedRun,
  type RetryOptions,
  retryShape,
  runWithRetry,
} from "../../features/headless/run/retry.ts"
import type { RunOutput } from "../../features/headless/run/run-output.ts"
import { runSession } from "../../features/headless/run/run-session.ts"
import { RunState } from "../../features/headless/run/state.ts"
import { type AgentOptions, createAgent } from "../create-agent.ts"
import { isMemoryStore } from "../service/open-store.ts"
import { waitUntilDelivered } from "./wait-until-delivered.ts"

/** Options of the agent and of its run. `maxTurns` and `maxBudgetUsd` bound the run. */
export type AutonomousOptions = Omit<AgentOptions, keyof RunSessionOptions> &
  Omit<RunSessionOptions, "agent"> & {
    /**
     * Channels to which the outbox delivers the end of the run. After a crash, this happens when the agent is opened
     * again. Default: none.
     */
    readonly delivery?: DeliveryOptions
  }

export type AutonomousRetryOptions = AutonomousOptions & RetryOptions

/**
 * Runs an agent on one message without a server, and closes it: for cron jobs, batch work and heartbeats. The output
 * reports how the run ended. Rejects with a `ConfigurationError` if options are unknown or wrong, or if the agent
 * cannot start.
 */
export async function runAutonomous(
  systemPrompt: string | readonly SystemBlock[],
  message: string,
  options: AutonomousOptions = {},
): Promise<RunOutput> {
  const { delivery: channels, ...others } = options
  const [run, agentOptions] = split<RunSessionOptions>(others, runSessionShape)
  const { plugins = [], signal } = options
  const ended = Promise.withResolvers<RunOutput | null>()
  const records = createRunRecords(resolveRunOptions("runAutonomous", run), ended.promise)
  const agent = createAgent(systemPrompt, {
    ...agentOptions,
    ...(channels !== undefined && { plugins: [...plugins, createDeliveryPlugin(channels, records)] }),
  })
  try {
    // The time to open the agent does not count toward the run.
    await agent.prepare()
    const output = await runSession(agent, message, run)
    ended.resolve(output)
    if (channels === undefined) return output
    const waiting = { isMemoryStore: isMemoryStore(options.store), ...(signal !== undefined && { signal }) }
    return (await waitUntilDelivered(agent, output, waiting)).output
  } finally {
    ended.resolve(null)
    // The run has ended or is parked. The next process can take over any other work of this process.
    await agent.close({ graceMs: 0 })
  }
}

/** Options of `runAutonomousWithRetry` for a function that does the run itself. */
export type RetriedRunOptions = RetryOptions & Pick<AutonomousOptions, "signal">

/**
 * Calls the function, and calls it again while its outcome is `transient` (`classifyOutcome`). It receives the number
 * of the attempt, from 1. A thrown error counts like a failed run, and the last one is thrown.
 */
export function runAutonomousWithRetry(run: RetriedRun, options?: RetriedRunOptions): Promise<RunOutput>
/**
 * Acts like `runAutonomous`, and repeats the run while the outcome is `transient` (`classifyOutcome`), each time in a
 * new session. With `jobId`, the retries are part of the job: if the job is started again, it continues with its
 * current run or pause.
 */
export function runAutonomousWithRetry(
  systemPrompt: string | readonly SystemBlock[],
  message: string,
  options?: AutonomousRetryOptions,
): Promise<RunOutput>
export async function runAutonomousWithRetry(
  what: RetriedRun | string | readonly SystemBlock[],
  messageOrOptions: string | RetriedRunOptions = {},
  options: AutonomousRetryOptions = {},
): Promise<RunOutput> {
  if (typeof what === "function") {
    if (typeof messageOrOptions === "string")
      throw new ConfigurationError(
        "runAutonomousWithRetry: a function takes no message. Pass options after it.",
      )
    const { signal, ...retry } = messageOrOptions
    return runWithRetry(what, retry, { ...(signal !== undefined && { signal }) })
  }
  if (typeof messageOrOptions !== "string")
    throw new ConfigurationError("runAutonomousWithRetry: pass the message after the system prompt.")
  return retryAutonomous(what, messageOrOptions, options)
}

async function retryAutonomous(
  systemPrompt: string | readonly SystemBlock[],
  message: string,
  options: AutonomousRetryOptions,
): Promise<RunOutput> {
  const [retry, runOptions] = split<RetryOptions>(options, retryShape)
  const { jobId, signal } = options
  if (jobId !== undefined && jobId.length > maxJobId)
    throw new ConfigurationError(`runAutonomousWithRetry: jobId: at most ${maxJobId} characters`)
  const attemptOptions = (attempt: number) =>
    jobId === undefined || attempt === 1 ? runOptions : { ...runOptions, jobId: `${jobId}#${attempt}` }
  return runWithRetry((attempt) => runAutonomous(systemPrompt, message, attemptOptions(attempt)), retry, {
    ...(signal !== undefined && { signal }),
  })
}

/** Maximum length, which leaves room for the number of the attempt. */
const maxJobId = 250

/** Splits the options into those in the shape, and the others. */
function split<Own extends object>(options: object, shape: Readonly<Record<keyof Own, unknown>>) {
  const entries = Object.entries(options)
  const own = Object.fromEntries(entries.filter(([name]) => Object.hasOwn(shape, name)))
  const others = Object.fromEntries(entries.filter(([name]) => !Object.hasOwn(shape, name)))
  // Each part is checked where it is used.
  return [own as Own, others] as const
}

/**
 * Returns the records for the deliveries of a process that does one run. `ended` resolves to the output of that run
 * when its state is saved, which is after its deliveries are stored, or to null if there is none.
 */
function createRunRecords(
  { stateDir, stateFile }: Pick<ResolvedRunOptions, "stateDir" | "stateFile">,
  ended: Promise<RunOutput | null>,
): RunRecords {
  const state = stateDir === undefined ? null : new RunState({ stateDir, stateFile })
  const executed = new Set<string>()
  return {
    expect: (runId) => void executed.add(runId),
    async read(runId, signal) {
      // Rows of other processes do not wait for this run.
      const output = executed.has(runId) ? await rejectOnAbort(signal, ended) : null
      const timedOut = output?.runId === runId && output.timedOut
      return { state: (await state?.read()) ?? null, timedOut }
    },
  }
}
