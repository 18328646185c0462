/**
 * Runs without a client: from code, as jobs, and as heartbeats.
 *
 * @module headless
 */

export type { HeartbeatClock } from "../features/headless/heartbeat/clock.ts"
export { HeartbeatLoop, type HeartbeatOptions } from "../features/headless/heartbeat/heartbeat-loop.ts"
export { heartbeatMessage } from "../features/headless/heartbeat/message.ts"
export type { HeartbeatConfig } from "../features/headless/heartbeat/options.ts"
export type { HeartbeatState, TickOutcome } from "../features/headless/heartbeat/state.ts"
export type { HeartbeatTick, SkipReason, TickResult } from "../features/headless/heartbeat/tick.ts"
export { classifyOutcome, type OutcomeClass } from "../features/headless/run/classify-outcome.ts"
export { type CollectOptions, collectRunOutput } from "../features/headless/run/collect-run-output.ts"
export { formatRunSummary, type SummaryOptions } from "../features/headless/run/format-run-summary.ts"
export type { OnHumanNeeded, RunSessionOptions } from "../features/headless/run/options.ts"
export type { RetriedRun, Retry, RetryOptions } from "../features/headless/run/retry.ts"
export type { RunOutcome, RunOutput } from "../features/headless/run/run-output.ts"
export { runOutputExitCode, runOutputOutcome } from "../features/headless/run/run-output.ts"
export { runSession } from "../features/headless/run/run-session.ts"
export type {
  FinishedRun,
  HumanAnswer,
  HumanDecision,
  RunFailure,
  RunRequest,
  Runs,
} from "../features/headless/runs.ts"
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
export { loadState, type StateFileOptions, saveState } from "../platform/state-files/state-file.ts"
export {
  extractStateUpdate,
  type StateUpdate,
  type StateUpdateOptions,
} from "../platform/state-files/state-update.ts"
