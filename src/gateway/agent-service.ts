import type { Clock } from "../core/clock.ts"
import type { Approvals } from "../core/ports/approvals.ts"
import type { Logger } from "../core/ports/logger.ts"
import type { Provider } from "../core/ports/provider.ts"
import type { OpenedFile } from "../core/ports/sandbox.ts"
import type { SchemaCheck } from "../core/ports/schema-check.ts"
import type { Store } from "../core/ports/store.ts"
import type { McpView } from "../mcp/servers.ts"
import type { ResolveRuntime } from "../sessions/runtime-resolver.ts"
import { createLineMask } from "../telemetry/line-mask.ts"
import type { CodeToolsOptions } from "../tools/code-execution/code-execution.ts"
import type { PrepareImages } from "../tools/images/prepare-images.ts"
import type { AgentDefinition } from "./agent-definition.ts"
import { type ChatRuntime, checkForAllRuns, toAgentRuntime } from "./chat-runtime.ts"
import type { ChosenProvider } from "./choose-provider.ts"
import { type CodeExecutionService, openCodeExecution } from "./code-execution.ts"
import { providersForSession } from "./credentials.ts"
import type { EnvironmentSettings } from "./environment.ts"
import type { PrepareOptions } from "./gateway.ts"
import type { SharedServerOptions } from "./gateway-options.ts"
import { createGuess } from "./guess.ts"
import type { Hooks } from "./hooks.ts"
import { type GatewayMcp, startMcp } from "./mcp.ts"
import { packageVersion } from "./package-version.ts"
import { type Audience, type Check, mcpChecks } from "./readiness.ts"
import { appProviders, type RunProviders } from "./run-providers.ts"
import { createToolChangeLog, type ReportedChange, type ReportToolChange, toolCheck } from "./tool-offers.ts"
import type { UserCode } from "./user-code.ts"

/** An agent's definition with the provider that was chosen for it. */
export interface ChosenAgent {
  readonly definition: AgentDefinition
  readonly chosen: ChosenProvider
}

/** One agent of a running gateway, with what no other agent sees: its MCP servers, its sandboxes and its runtime. */
export interface AgentService {
  readonly name: string
  readonly allowedModels: readonly string[] | undefined
  readonly resolveRuntime: ResolveRuntime
  /**
   * Takes what a browser brought back from an MCP server's authorization; null if no server of the agent can ask for
   * one.
   */
  readonly completeMcpAuthorization: GatewayMcp["complete"]
  /** A file of a session's working directory; null if there is none. */
  openFile(sessionId: string, path: string): Promise<OpenedFile | null>
  /** Checks what the agent needs, by name. For an operator, also which tools its models do not see as they are. */
  checks(audience: Audience): Promise<Readonly<Record<string, Check>>>
  /** Stops the MCP servers. Runs that wait for one of them go on without it. */
  closeMcp(): Promise<void>
  close(): Promise<void>
}

export interface AgentSurroundings {
  readonly server: SharedServerOptions
  /** The default agent's secrets have no scope, so that it keeps its tokens when the gateway gets a second agent. */
  readonly isDefault: boolean
  readonly settings: EnvironmentSettings
  readonly mode: PrepareOptions["mode"]
  readonly store: Store
  readonly userCode: UserCode
  readonly prepareImages: PrepareImages
  readonly checkSchema: SchemaCheck
  readonly clock: Clock
  readonly logger: Logger
}

/** Opens what one agent needs. Rejects for an agent that cannot work, after closing what was opened for it. */
export async function openAgent(agent: ChosenAgent, surroundings: AgentSurroundings): Promise<AgentService> {
  const { definition } = agent
  const { server, isDefault, settings, store, checkSchema, clock, logger } = surroundings
  let mcp: GatewayMcp | null = null
  let code: CodeExecutionService | null = null
  try {
    mcp = await startMcp(definition.options, {
      server,
      settings,
      secrets: store.secrets,
      scope: isDefault ? "" : `agent:${definition.name}:`,
      clock,
      version: packageVersion,
      checkSchema,
      logger,
    })
    code = await openCodeExecution(definition.options.codeExecution ?? false, {
      store: server.store,
      dockerSocket: settings.dockerSocket,
      isKept: async (sessionId) => (await store.log.session(sessionId)) !== null,
      clock,
      logger,
    })
    return await startAgent(agent, surroundings, { mcp, code })
  } catch (error) {
    await code?.close()
    await mcp?.close()
    throw error
  }
}

interface AgentParts {
  readonly mcp: GatewayMcp
  readonly code: CodeExecutionService | null
}

async function startAgent(
  agent: ChosenAgent,
  surroundings: AgentSurroundings,
  { mcp, code }: AgentParts,
): Promise<AgentService> {
  const { name, options } = agent.definition
  const { grants } = surroundings.store.approvals
  const { resolveRuntime, checkTools } = await runtimeResolver(agent, surroundings, { grants, mcp, code })
  return {
    name,
    allowedModels: options.allowedModels,
    resolveRuntime,
    completeMcpAuthorization: mcp.complete,
    openFile: async (sessionId, path) => code?.openFile(sessionId, path) ?? null,
    async checks(audience) {
      const tools = audience.isOperator ? await checkTools() : null
      return {
        ...(code !== null && { code_execution: await code.check() }),
        ...mcpChecks(mcp.states(), audience),
        ...(tools !== null && { tools: toolCheck(tools) }),
      }
    },
    closeMcp: () => mcp.close(),
    async close() {
      await Promise.all([code?.close(), mcp.close()])
    },
  }
}

/** For looking at a runtime before any server has been asked. */
const noServers: McpView = { tools: () => [], instructions: () => [] }

/**
 * Asks `buildChatRuntime` and fills in what it leaves open. Rejects at once for a runtime of all runs that cannot
 * work, and for a provider that is not installed.
 */
async function runtimeResolver(
  { definition, chosen }: ChosenAgent,
  { server, settings, mode, userCode, prepareImages, checkSchema, logger }: AgentSurroundings,
  { grants, mcp, code }: AgentParts & { readonly grants: Approvals["grants"] },
): Promise<RuntimeResolver> {
  const { provider, resolveCredentials, buildChatRuntime } = definition
  const providersFor = providersForSession(chosen, provider, settings, resolveCredentials)
  const { redact } = server
  const shared = {
    allowedModels: definition.options.allowedModels,
    followHooks: (hooks: Hooks) => userCode.followed(hooks),
    callbackTimeoutMs: userCode.timeoutMs,
    outputFilter: redact === undefined ? null : () => createLineMask(redact),
    follow: userCode.follow,
    grants,
    prepareImages,
    checkSchema,
    codeTools: (codeOptions: CodeToolsOptions) => code?.tools(codeOptions) ?? [],
    reportToolChange: createToolChangeLog(logger),
    logger,
  }
  const guess = createGuess(chosen, { mode, localServer: settings.localServer, logger })
  const takeGuessFor = (chat: ChatRuntime, providers: RunProviders) => {
    const asksForModel = !("runner" in chat) && chat.provider === undefined
    if (asksForModel && providers.main === chosen.provider) guess.use()
  }
  // What a user's own key stands in for need not work at the start.
  if (typeof buildChatRuntime === "object" && resolveCredentials === undefined) {
    const providers = appProviders(chosen, settings)
    takeGuessFor(buildChatRuntime, providers)
    const surroundings = { ...shared, mcp: noServers, providers, model: null }
    await prepareAll(checkForAllRuns(buildChatRuntime, surroundings))
  } else if (provider.provider !== undefined) await prepareAll([chosen.provider])
  const resolveRuntime: ResolveRuntime = async ({ request, signal, ...run }) => {
    const { session, model } = run
    const chat =
      typeof buildChatRuntime === "object"
        ? buildChatRuntime
        : await userCode.call(
            "buildChatRuntime",
            (stop) => buildChatRuntime({ ...run, ...(request && { request: request() }), signal: stop }),
            signal,
          )
    const providers = await userCode.call("resolveCredentials", (stop) => providersFor(session, stop), signal)
    takeGuessFor(chat, providers)
    return toAgentRuntime(chat, { ...shared, mcp: await mcp.open(session), providers, model })
  }
  const checkTools = async () => {
    const isStarting = Object.values(mcp.states()).some(({ status }) => status === "starting")
    if (typeof buildChatRuntime !== "object" || resolveCredentials !== undefined || isStarting) return null
    const changes: ReportedChange[] = []
    const reportToolChange: ReportToolChange = (change) => void changes.push(change)
    const providers = appProviders(chosen, settings)
    const surroundings = { ...shared, mcp: await mcp.open(null), providers, model: null, reportToolChange }
    const runtime = toAgentRuntime(buildChatRuntime, surroundings)
    if (runtime.type === "runner") return null
    for (const choice of runtime.models) runtime.toolsFor(choice.provider)
    return changes
  }
  return { resolveRuntime, checkTools }
}

interface RuntimeResolver {
  readonly resolveRuntime: ResolveRuntime
  /**
   * Resolves to the differences between the agent's tools and those that its models see. Null where they differ from
   * run to run, and while MCP servers start.
   */
  readonly checkTools: () => Promise<readonly ReportedChange[] | null>
}

async function prepareAll(providers: readonly Provider[]): Promise<void> {
  await Promise.all(providers.map((provider) => provider.prepare?.()))
}
