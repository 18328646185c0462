/**
 * Runners of agents from other frameworks.
 *
 * @module runners
 */

export type {
  AiSdkAgent,
  AiSdkCall,
  AiSdkFunction,
  AiSdkStream,
} from "../adapters/runners/ai-sdk/ai-sdk-runner.ts"
export { aiSdkRunner } from "../adapters/runners/ai-sdk/ai-sdk-runner.ts"
export type { AiSdkApprovalPart, AiSdkMessage } from "../adapters/runners/ai-sdk/model-messages.ts"
export { claudeAgentRunner } from "../adapters/runners/claude-agent/claude-agent-runner.ts"
export type {
  ClaudeAgentApproval,
  ClaudeAgentOptions,
  ClaudeAgentQuery,
} from "../adapters/runners/claude-agent/options.ts"
export type { InterruptQuestion } from "../adapters/runners/langgraph/interrupts.ts"
export type { LangGraph, LangGraphOptions } from "../adapters/runners/langgraph/langgraph-runner.ts"
export { langGraphRunner } from "../adapters/runners/langgraph/langgraph-runner.ts"
export {
  type OpenAiAgentsSdk,
  openAiAgentsRunner,
} from "../adapters/runners/openai-agents/openai-agents-runner.ts"
export type { OpenAiAgentsEvent } from "../adapters/runners/openai-agents/stream-events.ts"
export type { RunnerOptions } from "../adapters/runners/runner-options.ts"
export type {
  Runner,
  RunnerDecision,
  RunnerEvent,
  RunnerRequest,
  RunnerToolCall,
} from "../core/runs/runner.ts"
