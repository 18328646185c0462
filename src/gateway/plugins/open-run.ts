import { ConfigurationError } from "../../core/errors.ts"
import { findRepeated } from "../../core/find-repeated.ts"
import type { Logger } from "../../core/ports/logger.ts"
import type { HistoryCompaction } from "../../core/ports/model/compaction.ts"
import type { PluginRun, RunParts } from "../../core/ports/plugin.ts"
import type { Interceptor } from "../../core/ports/tools/interceptor.ts"
import type { Tool } from "../../core/ports/tools/tool.ts"
import type { TransformToolResult } from "../../core/ports/tools/transform-tool-result.ts"
import type { ItemsAtEnd } from "../../core/runs/run-end.ts"
import type { DataBlock } from "../../core/text/data-block.ts"
import { callBounded } from "../../core/time/call-bounded.ts"
import type { ModelRuntime } from "../../kernel/agent/agent-runtime.ts"
import { collectCompactionNotes, findCompaction } from "./compaction-parts.ts"
import type { OpenedPlugin } from "./open-plugins.ts"
import { toStoredKind } from "./outbox-handlers.ts"

/** The parts of all plugins in one run, joined in the order of the plugins. */
export interface PluginView {
  /**
   * Returns the agent's own tools, whose names are unique, and those of the plugins. Returns the same array while
   * nothing has changed. The first call throws a `ConfigurationError` if two tools have one name. Later, a tool whose
   * name is taken is left out with a warning.
   */
  tools(own: readonly Tool[]): () => readonly Tool[]
  readonly instructions: readonly string[]
  readonly background: readonly DataBlock[]
  readonly interceptors: readonly Interceptor[]
  readonly transformToolResults: readonly TransformToolResult[]
  /** Null if no plugin compacts conversations. */
  readonly compaction: HistoryCompaction | null
  readonly compactionNotes: ModelRuntime["compactionNotes"]
  /** Undefined if no plugin has items to deliver. */
  readonly itemsAtEnd?: ItemsAtEnd | undefined
}

/** Settings of a runtime for plugins, by the names of the plugins. */
export type PluginSettings = Readonly<Record<string, unknown>>

export interface OpenRunOptions {
  /** Name of the agent. */
  readonly agent: string
  readonly callbackTimeoutMs: number
  readonly logger: Logger
}

interface OpenedPart {
  readonly plugin: string
  readonly parts: RunParts
}

/** Throws a `ConfigurationError` if a runtime turns on a plugin that the agent does not have. */
export function requirePlugins(settings: PluginSettings, plugins: readonly OpenedPlugin[]): void {
  for (const [name, value] of Object.entries(settings)) {
    if (value === false || plugins.some((plugin) => plugin.name === name)) continue
    throw new ConfigurationError(
      `buildChatRuntime: the runtime has settings for ${name}, which the agent does not have. ` +
        "Set the agent's option too.",
    )
  }
}

/** Opens the parts of all plugins for one run. Rejects if a plugin rejects or takes too long. */
export async function openRun(
  plugins: readonly OpenedPlugin[],
  { settings = {}, ...run }: Omit<PluginRun, "settings"> & { readonly settings?: PluginSettings },
  { agent, callbackTimeoutMs, logger }: OpenRunOptions,
): Promise<PluginView> {
  const opening = plugins.map(async ({ name: plugin, parts }): Promise<OpenedPart | null> => {
    // Most runs have no MCP servers, so their plugin has nothing to open.
    if (parts.openRun === undefined) return null
    const { openRunTimeoutMs: timeoutMs = callbackTimeoutMs } = parts
    const name = `openRun of the plugin ${plugin}`
    const opened = await callBounded(
      (signal) => parts.openRun?.({ ...run, settings: settings[plugin], signal }),
      {
        name,
        timeoutMs,
        signal: run.signal,
      },
    )
    return opened === undefined ? null : { plugin, parts: opened }
  })
  return joinParts(
    (await Promise.all(opening)).filter((part) => part !== null),
    { agent, callbackTimeoutMs, logger },
  )
}

/** Returns the view of a run that has no plugins. */
export function createEmptyView(options: OpenRunOptions): PluginView {
  return joinParts([], options)
}

function joinParts(
  opened: readonly OpenedPart[],
  { agent, callbackTimeoutMs, logger }: OpenRunOptions,
): PluginView {
  return {
    tools: (own) => joinTools(own, opened, logger),
    instructions: opened.flatMap(({ parts }) => parts.instructions ?? []),
    background: opened.flatMap(({ parts }) => parts.background ?? []),
    interceptors: opened.flatMap(({ parts }) => parts.interceptors ?? []),
    transformToolResults: opened.flatMap(({ parts }) => parts.transformToolResult ?? []),
    compaction: findCompaction(opened),
    compactionNotes: (messages, signal) =>
      collectCompactionNotes(opened, { messages, signal, timeoutMs: callbackTimeoutMs, logger }),
    itemsAtEnd: joinItems(agent, opened),
  }
}

/** Joins the items. In the store, a kind contains the names of its agent and plugin. */
function joinItems(agent: string, opened: readonly OpenedPart[]): ItemsAtEnd | undefined {
  const sources = opened.filter(({ parts }) => parts.itemsAtEnd !== undefined)
  if (sources.length === 0) return undefined
  return (end) =>
    sources.flatMap(({ plugin, parts }) =>
      (parts.itemsAtEnd?.(end) ?? []).map((item) => ({
        ...item,
        kind: toStoredKind({ agent, plugin, kind: item.kind }),
      })),
    )
}

function joinTools(
  own: readonly Tool[],
  opened: readonly OpenedPart[],
  logger: Logger,
): () => readonly Tool[] {
  const sources = opened.flatMap(({ plugin, parts }) => {
    return parts.tools === undefined
      ? []
      : [createToolSource(plugin, (taken) => parts.tools?.(taken) ?? [], logger)]
  })
  if (sources.length === 0) return () => own
  let offered: readonly (readonly Tool[])[] = []
  let all = own
  const join = (isFirst: boolean) => {
    const taken = own.map(({ name }) => name)
    const current = sources.map((source) => {
      const tools = source.offer(taken)
      taken.push(...tools.map(({ name }) => name))
      return tools
    })
    if (current.length === offered.length && current.every((tools, index) => tools === offered[index]))
      return all
    offered = current
    all = isFirst ? [...own, ...current.flat()] : removeDuplicates([...own, ...current.flat()], logger)
    return all
  }
  refuseDuplicates(join(true))
  return () => join(false)
}

/** Returns a source of the plugin's tools. If the plugin fails to list its tools, the last ones are kept. */
function createToolSource(
  plugin: string,
  tools: (taken: readonly string[]) => readonly Tool[],
  logger: Logger,
) {
  let last: readonly Tool[] = []
  return {
    offer(taken: readonly string[]): readonly Tool[] {
      try {
        last = tools(taken)
      } catch (error) {
        logger.error(
          { plugin, error },
          "A plugin failed to list its tools. The run continues with those it had before.",
        )
      }
      return last
    },
  }
}

function removeDuplicates(tools: readonly Tool[], logger: Logger): readonly Tool[] {
  const byName = new Map<string, Tool>()
  for (const tool of tools) {
    if (byName.has(tool.name)) {
      logger.warn(
        { tool: tool.name },
        "A plugin offers a tool whose name is taken. The model does not see this tool.",
      )
    } else byName.set(tool.name, tool)
  }
  return [...byName.values()]
}

function refuseDuplicates(tools: readonly Tool[]): void {
  const twice = findRepeated(tools.map(({ name }) => name))
  if (twice === undefined) return
  throw new ConfigurationError(
    `Two tools are named ${JSON.stringify(twice)}, and a plugin has at least one of them. Rename one of them.`,
  )
}
