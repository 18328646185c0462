/**
 * Runs without a client: from code, as jobs, and as heartbeats.
 *
 * @module headless
 */

export { type DeliverOptions, deliver } from "../gateway/runs/deliver-output.ts"
export type {
  AutonomousOptions,
  AutonomousRetryOptions,
  RetriedRunOptions,
} from "../gateway/runs/run-autonomous.ts"
export { runAutonomous, runAutonomousWithRetry } from "../gateway/runs/run-autonomous.ts"
export type { StartOptions } from "../gateway/runs/run-options.ts"
export { type PromptAnswer, type SendPromptOptions, sendPrompt } from "../gateway/runs/send-prompt.ts"
export type { StartedRun } from "../gateway/runs/start-run.ts"
export type { ChatStream } from "../gateway/runs/stream-run.ts"
export type { HeartbeatClock } from "../headless/heartbeat/clock.ts"
export { HeartbeatLoop, type HeartbeatOptions } from "../headless/heartbeat/heartbeat-loop.ts"
export type { HeartbeatConfig } from "../headless/heartbeat/options.ts"
export type { HeartbeatState, TickOutcome } from "../headless/heartbeat/state.ts"
export type { HeartbeatTick, SkipReason, TickResult } from "../headless/heartbeat/tick.ts"
export { classifyOutcome, type OutcomeClass } from "../headless/run/classify-outcome.ts"
export { type CollectOptions, collectRunOutput } from "../headless/run/collect-run-output.ts"
export { formatRunSummary, type SummaryOptions } from "../headless/run/format-run-summary.ts"
export type { OnHumanNeeded, RunSessionOptions } from "../headless/run/options.ts"
export type { RetriedRun, Retry, RetryOptions } from "../headless/run/retry.ts"
export type { RunOutcome, RunOutput } from "../headless/run/run-output.ts"
export { runOutputExitCode, runOutputOutcome } from "../headless/run/run-output.ts"
export { runSession } from "../headless/run/run-session.ts"
export type { FinishedRun, HumanAnswer, HumanDecision, RunRequest, Runs } from "../headless/runs.ts"
export { loadState, type StateFileOptions, saveState } from "../state-files/state-file.ts"
export { extractStateUpdate, type StateUpdate, type StateUpdateOptions } from "../state-files/state-update.ts"
