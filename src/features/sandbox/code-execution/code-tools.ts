import { z } from "zod"
import { GatewayError } from "../../../core/errors.ts"
import type { JsonObject } from "../../../core/json/json.ts"
import type { Logger } from "../../../core/ports/logger.ts"
import type { ApprovalPolicy } from "../../../core/ports/tools/interceptor.ts"
import type { CodeLanguage, ExecRequest, Sandboxes, SandboxHost } from "../../../core/ports/tools/sandbox.ts"
import type { Tool } from "../../../core/ports/tools/tool.ts"
import type { Clock } from "../../../core/time/clock.ts"
import { tool } from "../../../kernel/tools/local-tool.ts"
import { content } from "../../../kernel/tools/tool-content.ts"
import { createBackgroundTasks } from "./background-tasks.ts"
import type { CodeRecord } from "./code-record.ts"
import type { ImageLimits } from "./images.ts"
import type { CodeExecutionConfig, CodeExecutionRunSettings, PrepareEnv } from "./options.ts"
import { prepareExecutionEnv } from "./prepare-env.ts"
import { startCode } from "./run-code.ts"

export interface CodeToolsParts {
  readonly sandboxes: Sandboxes
  readonly defaultTimeoutMs: number
  readonly maxTimeoutMs: number
  /** Maximum bytes of each stream of one execution. */
  readonly maxOutputBytes: number
  /** Maximum number of background tasks of one session. */
  readonly maxBackground: number
  readonly imageLimits: ImageLimits
  readonly preamble: NonNullable<CodeExecutionConfig["preamble"]>
  readonly descriptionSuffix: string
  readonly prepareEnv: PrepareEnv | null
  /** Maximum milliseconds of `prepareEnv`. */
  readonly callbackTimeoutMs: number
  readonly clock: Clock
  readonly logger: Logger
}

export interface CodeTools {
  tools(options: CodeToolsOptions): readonly Tool[]
  /** Forgets background tasks that ended long ago, and those of removed sessions. */
  forget(isKept: (sessionId: string) => Promise<boolean>): Promise<void>
  /** Cancels all background tasks. */
  close(): Promise<void>
}

export interface CodeToolsOptions {
  /** Approval policy for code that runs in a sandbox. Code outside of a sandbox always needs an approval. */
  readonly needsApproval: ApprovalPolicy
  /** Settings of the runtime in place of those of the agent. */
  readonly settings: CodeExecutionRunSettings
  /** Maximum bytes of a result's text. The gateway would truncate a longer one at any place. */
  readonly maxResultBytes: number
}

/** Maximum bytes of code: slightly less than the maximum size of a program's argument on Linux. */
const maxCodeBytes = 100_000
/** Milliseconds in addition to the code's own time, to wait for a turn and for the start of a container. */
export const overheadMs = 120_000

/** Creates the tools `code_execute` and `code_execute_status`, and the background tasks that they share. */
export function createCodeTools(options: CodeToolsParts): CodeTools {
  const { maxBackground, clock, logger } = options
  const tasks = createBackgroundTasks({ maxRunning: maxBackground, clock, logger })
  return {
    tools: (toolsOptions) => [
      createCodeExecute(applySettings(options, toolsOptions.settings), toolsOptions, tasks),
      createCodeExecuteStatus(toolsOptions, tasks),
    ],
    forget: (isKept) => tasks.forget(isKept),
    close: () => tasks.close(),
  }
}

function applySettings(parts: CodeToolsParts, settings: CodeExecutionRunSettings): CodeToolsParts {
  const { maxImages, maxImageBytes, defaultTimeoutMs = parts.defaultTimeoutMs, ...others } = settings
  return {
    ...parts,
    ...others,
    defaultTimeoutMs: Math.min(defaultTimeoutMs, parts.maxTimeoutMs),
    imageLimits: {
      maxImages: maxImages ?? parts.imageLimits.maxImages,
      maxImageBytes: maxImageBytes ?? parts.imageLimits.maxImageBytes,
    },
  }
}

type Tasks = ReturnType<typeof createBackgroundTasks>

function createCodeExecute(
  parts: CodeToolsParts,
  { needsApproval, maxResultBytes }: CodeToolsOptions,
  tasks: Tasks,
): Tool {
  const name = "code_execute"
  const { sandboxes, defaultTimeoutMs, maxTimeoutMs, maxOutputBytes, imageLimits, preamble } = parts
  const { hosts } = sandboxes
  const [preferred] = hosts
  if (preferred === undefined) throw new Error("No backend can execute code.")
  const findHost = (input: { readonly host?: unknown }): SandboxHost => {
    return hosts.find((host) => host.name === input.host) ?? preferred
  }
  return tool({
    name,
    description: [createDescription(preferred, defaultTimeoutMs), parts.descriptionSuffix].join(" ").trim(),
    inputSchema: createInputSchema(hosts, { defaultTimeoutMs, maxTimeoutMs }),
    timeoutMs: maxTimeoutMs + overheadMs,
    qualifier: (input) => findHost(input).name,
    needsApproval: ({ input, signal }) => {
      const host = findHost(input)
      if (!host.sandboxed) return true
      // The agent's policy receives JSON for every tool.
      return needsApproval({
        toolName: name,
        input: input as JsonObject,
        qualifier: host.name,
        origin: null,
        signal,
      })
    },
    async execute({ code, background, ...input }, context) {
      const host = findHost(input)
      const language = input.language ?? host.languages[0] ?? "shell"
      requireLanguage(host, language)
      const timeoutMs = Math.min(input.timeout_ms ?? defaultTimeoutMs, maxTimeoutMs)
      const { session, runId, signal } = context
      const env = await prepareExecutionEnv(parts, { session, runId, language, signal })
      const before = preamble[language]
      const whole = before === undefined ? code : `${before}\n${code}`
      const request: ExecRequest = { host: host.name, language, code: whole, timeoutMs, env }
      const sandbox = await sandboxes.open(context.session)
      if (background === true) {
        const task = tasks.start(context.session.id, (signal) =>
          startCode({ sandbox, request, maxOutputBytes, imageLimits, signal, onOutput: () => {} }),
        )
        return { task_id: task.id, status: task.status() }
      }
      const onOutput = context.emit
      const run = startCode({ sandbox, request, maxOutputBytes, imageLimits, signal, onOutput })
      await run.ended
      return createCodeResult(run.record, run.record.report(maxResultBytes))
    },
  })
}

function createCodeExecuteStatus({ maxResultBytes }: CodeToolsOptions, tasks: Tasks): Tool {
  return tool({
    name: "code_execute_status",
    description:
      "Returns the state of a background task of code_execute, with its " +
      "output so far. Can cancel it. A task ends at the " +
      "latest at its timeout, and is lost if the server restarts.",
    inputSchema: z.strictObject({
      task_id: z.string(),
      cancel: z.boolean().optional().describe("If true, cancels the task first."),
    }),
    needsApproval: false,
    async execute({ task_id, cancel }, context) {
      const task = tasks.find(context.session.id, task_id)
      if (task === undefined) {
        throw new GatewayError(
          { code: "task_not_found", status: 404 },
          "There is no such task. The gateway forgets a task when it restarts, an hour after the " +
            "task has ended, and when the session has many newer ones. Run the code again if you " +
            "need its result.",
        )
      }
      if (cancel === true) await task.cancel()
      const problem = task.problem()
      const fields = { task_id, status: task.status(), ...(problem !== null && { error: problem }) }
      const room = maxResultBytes - Buffer.byteLength(JSON.stringify(fields))
      const report = { ...fields, ...task.record.report(room) }
      return createCodeResult(task.record, report)
    },
  })
}

/** Returns the report as JSON, or with images as content whose first block is that JSON. */
export function createCodeResult(record: CodeRecord, report: object): unknown {
  const images = record.images()
  return images.length === 0 ? report : content([{ type: "text", text: JSON.stringify(report) }, ...images])
}

function createInputSchema(
  hosts: readonly SandboxHost[],
  { defaultTimeoutMs, maxTimeoutMs }: { readonly defaultTimeoutMs: number; readonly maxTimeoutMs: number },
) {
  const languages = [...new Set(hosts.flatMap((host) => host.languages))]
  return z.strictObject({
    code: z
      .string()
      .min(1)
      .refine((code) => Buffer.byteLength(code) <= maxCodeBytes, `must have at most ${maxCodeBytes} bytes`)
      .refine((code) => !code.includes("\0"), "must not have a NUL character"),
    language: z.enum(languages).optional().describe(`Default ${languages[0]}.`),
    timeout_ms: z.int().min(1).max(maxTimeoutMs).optional().describe(`Default ${defaultTimeoutMs}.`),
    background: z
      .boolean()
      .optional()
      .describe("Return a task_id at once. Call code_execute_status for the rest."),
    host: z
      .enum(["auto", ...hosts.map((host) => host.name)])
      .optional()
      .describe(`Where it runs. Default auto, which is ${hosts[0]?.name}.${describeUnsandboxed(hosts)}`),
  })
}

function describeUnsandboxed(hosts: readonly SandboxHost[]): string {
  const names = hosts.filter(({ sandboxed }) => !sandboxed).map(({ name }) => name)
  return names.length === 0 ? "" : ` ${names.join(", ")} is not a sandbox: a person must allow each call.`
}

function createDescription({ languages }: SandboxHost, defaultTimeoutMs: number): string {
  return (
    `Runs code (${languages.join(", ")}) and returns its output, exit code, and the files it created or changed. ` +
    "The working directory lasts for the whole conversation. Everything else is lost when the code ends, processes " +
    "included. There is no input. Write plots and images as PNG files into the working directory to see them; " +
    "plt.show() of matplotlib does so. " +
    `Code that takes longer than ${Math.round(defaultTimeoutMs / 1000)} s needs a timeout_ms, or background.`
  )
}

export function requireLanguage({ name, languages }: SandboxHost, language: CodeLanguage): void {
  if (languages.includes(language)) return
  throw new GatewayError(
    { code: "language_unavailable", status: 400 },
    `${name} cannot run ${language} here; it has ${languages.join(", ")}.`,
  )
}
