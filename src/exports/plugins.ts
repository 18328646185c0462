/**
 * The port of plugins, and the values that plugins receive.
 *
 * @module plugins
 */

export type { ChildOutcome, ChildTask, RunLimits } from "../core/child.ts"
export type { AgentSkill, AgentSkills } from "../core/ports/agent-skills.ts"
export type { CodeRequest, CodeRunner } from "../core/ports/code-runner.ts"
export type { CompactableHistory, CompactionStep, HistoryCompaction } from "../core/ports/compaction.ts"
export type {
  Audience,
  DescribedRoute,
  Plugin,
  PluginCheck,
  PluginHandler,
  PluginParts,
  PluginPorts,
  PluginRequest,
  PluginRoute,
  PluginRun,
  PluginServices,
  PluginStores,
  RunParts,
  SourcedTool,
  ToolSource,
} from "../core/ports/plugin.ts"
export type { SchemaCheck, SchemaCheckOptions } from "../core/ports/schema-check.ts"
export type { ItemsAtEnd, RunEnd } from "../core/run-end.ts"
export type { MaxTurnsReport, ToolReport, ToolTiming, UsageReport } from "../core/run-hooks.ts"
export type { RunRole } from "../core/run-role.ts"
export type { RunSettings } from "../core/run-settings.ts"
