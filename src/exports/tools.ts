/**
 * Tools, approvals, code execution, MCP servers and skills.
 *
 * @module tools
 */

export type {
  ApprovalPolicy,
  InterceptedCall,
  Interception,
  Interceptor,
  PolicyCall,
} from "../core/ports/tools/interceptor.ts"
export type {
  CodeLanguage,
  OpenedFile,
  ReadOnlyFile,
  ReadOnlyFolder,
  SandboxHost,
  SandboxName,
} from "../core/ports/tools/sandbox.ts"
export type {
  Answered,
  EmittedData,
  ReturnedTask,
  ReturnedWait,
  SessionTasks,
  Tool,
  ToolApprovalPolicy,
  ToolContext,
  ToolOutcome,
  ToolResult,
  ToolResultMarks,
  Validation,
  ValidationContext,
} from "../core/ports/tools/tool.ts"
export type { ToolRules } from "../core/ports/tools/tool-rules.ts"
export type { TransformedCall, TransformToolResult } from "../core/ports/tools/transform-tool-result.ts"
export type { FormQuestion, Question, QuestionAnswer, UrlQuestion } from "../core/question.ts"
export type { ToolLimits } from "../core/tools/tool-limits.ts"
export type { ToolOrigin } from "../core/tools/tool-origin.ts"
export type {
  McpApproval,
  McpHttpServerDefinition,
  McpOAuthDefinition,
  McpPerUserOptions,
  McpProtocolVersion,
  McpServerDefinition,
  McpServerDefinitions,
  McpServerOptions,
  McpStdioServerDefinition,
  McpToolOptions,
} from "../features/mcp/config/definition.ts"
export type { McpAuthorizationOptions, McpOptions } from "../features/mcp/options.ts"
export type {
  CodeExecutionConfig,
  CodeExecutionRunSettings,
  ExecutionContext,
  PrepareEnv,
} from "../features/sandbox/code-execution/options.ts"
export type { SandboxConfig } from "../features/sandbox/config.ts"
export type { SandboxLimits } from "../features/sandbox/limits.ts"
export type { SandboxNetwork } from "../features/sandbox/options.ts"
export { loadSkills } from "../features/skills/load/load-skills.ts"
export type { SkillOptions } from "../features/skills/options.ts"
export type { Skill, SkillAgent, SkillFile, SkillMistake, SkillSet } from "../features/skills/skill.ts"
export { type SkillStateOptions, SkillStateStore } from "../features/skills/state/skill-state-store.ts"
export type { ApprovalOptions } from "../kernel/approvals/options.ts"
export { type PathAllowlist, pathAllowlist } from "../kernel/approvals/path-allowlist.ts"
export { rateLimitInterceptor, type ToolRateLimit } from "../kernel/approvals/rate-limit.ts"
export type { InferInput, InputSchema } from "../kernel/tools/input-schema.ts"
export type {
  BackendToolDefinition,
  ClientToolDefinition,
  ToolDefinition,
} from "../kernel/tools/local-tool.ts"
export { tool } from "../kernel/tools/local-tool.ts"
export type { IsErrorResult } from "../kernel/tools/mark-errors.ts"
export type { ToolOptions } from "../kernel/tools/options.ts"
export type {
  StandardIssue,
  StandardOutput,
  StandardResult,
  StandardSchema,
} from "../kernel/tools/standard-schema.ts"
export { content, type ToolContent } from "../kernel/tools/tool-content.ts"
export type { MarkedToolResult, ToolErrorOptions, ToolResultOptions } from "../kernel/tools/tool-result.ts"
export { toolError, toolResult } from "../kernel/tools/tool-result.ts"
export {
  type ChildOptions,
  type InputOptions,
  type SleepOptions,
  type ToolWait,
  wait,
} from "../kernel/tools/wait.ts"
