/**
 * Runners of agents from other frameworks.
 *
 * @module runners
 */

export type {
  Runner,
  RunnerDecision,
  RunnerEvent,
  RunnerRequest,
  RunnerToolCall,
} from "../core/runs/runner.ts"
export type { AiSdkAgent, AiSdkCall, AiSdkFunction, AiSdkStream } from "../runners/ai-sdk/ai-sdk-runner.ts"
export { aiSdkRunner } from "../runners/ai-sdk/ai-sdk-runner.ts"
export type { AiSdkApprovalPart, AiSdkMessage } from "../runners/ai-sdk/model-messages.ts"
export { claudeAgentRunner } from "../runners/claude-agent/claude-agent-runner.ts"
export type {
  ClaudeAgentApproval,
  ClaudeAgentOptions,
  ClaudeAgentQuery,
} from "../runners/claude-agent/options.ts"
export type { InterruptQuestion } from "../runners/langgraph/interrupts.ts"
export type { LangGraph, LangGraphOptions } from "../runners/langgraph/langgraph-runner.ts"
export { langGraphRunner } from "../runners/langgraph/langgraph-runner.ts"
export { type OpenAiAgentsSdk, openAiAgentsRunner } from "../runners/openai-agents/openai-agents-runner.ts"
export type { OpenAiAgentsEvent } from "../runners/openai-agents/stream-events.ts"
export type { RunnerOptions } from "../runners/runner-options.ts"
