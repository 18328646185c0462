import { z } from "zod"
import type { JsonObject } from "../../../core/json/json.ts"
import type { ChatEvent } from "../../../core/wire/chat-event.ts"
import { declareOptions, type Resolved } from "../../../platform/options/declare-options.ts"
import { resolveOptions } from "../../../platform/options/resolve-options.ts"
import { createFunctionSchema, createObjectSchema } from "../../../platform/options/schemas.ts"
import type { RunRequest } from "../runs.ts"

/** Treatment of approvals and questions of a run without a client. */
export type OnHumanNeeded =
  /** The call is denied or the question declined, and the model continues without it. */
  | "deny"
  /** They stay open. When the run waits only for people, the caller receives an output with `parked: true`. */
  | "park"
  /** The run is canceled. Its error names the approval or question. */
  | "fail"
  /** The person at the terminal of this process is asked. Without a terminal, this acts like `deny`. */
  | "ask"

export interface RunSessionOptions {
  /** Id of the session to continue. Default: a new session. */
  readonly sessionId?: string
  /**
   * Your own id of the session, such as a label: 1 to 200 printable characters, not beginning with `sess_`. The session
   * is created if the user has none with the agent under this id. Not with `sessionId`. Default: none.
   */
  readonly externalId?: string
  /**
   * Id of the job. If a process with this job was killed, the same call continues the job, which finishes once. If
   * the job has ended, the call returns its output again. Use another id each time that the work must be done, such
   * as `report-2026-11-22`. Default: each call is a separate job.
   */
  readonly jobId?: string
  /** Name of the agent. Default: the gateway's default agent. */
  readonly agent?: string
  /** Owner of the session. Default: the application itself. */
  readonly userId?: string
  /** Tenant of `userId`. */
  readonly tenant?: string
  /** Context for `buildChatRuntime`, as in `POST /chat`. Default `{}`. */
  readonly context?: JsonObject
  /** Further texts of the message, such as a checklist. They do not identify a job. Default: none. */
  readonly notes?: readonly string[]
  /** Maximum number of turns, in addition to the agent's own limit. Default 40. */
  readonly maxTurns?: number
  /** Maximum cost of the run in US dollars, in addition to the agent's own limit. Default: no further limit. */
  readonly maxBudgetUsd?: number
  /**
   * Seconds after which the run is canceled with its model call, tools, sub-agents and sandboxes. Each process counts
   * for itself. At most 2 147 483. Default 600.
   */
  readonly timeoutSeconds?: number
  /**
   * Seconds to wait, after the end of the run and within `timeoutSeconds`, for the background tasks that it started.
   * The run then cancels the tasks that still work. At most 86 400. Default 30.
   */
  readonly backgroundWaitSeconds?: number
  /** Folder of the state file. Default: no state. */
  readonly stateDir?: string
  /** Name of the state file in `stateDir`. Default `state.json`. */
  readonly stateFile?: string
  /** Treatment of approvals and questions. Default `deny`. */
  readonly onHumanNeeded?: OnHumanNeeded
  /** Names of tools whose calls are approved without a person. Default: none. */
  readonly approvedTools?: readonly string[]
  /** Called for each approval, in place of `onHumanNeeded`. */
  readonly onApproval?: RunRequest["onApproval"]
  /** Called for each question of a tool, in place of `onHumanNeeded`. */
  readonly onElicitation?: RunRequest["onElicitation"]
  /** Called with each event of the run, as a client of the HTTP API receives it. */
  readonly onEvent?: (event: ChatEvent) => void
  /** Called with the model's text as it arrives, with a blank line between messages. */
  readonly onText?: (text: string) => void
  /** Called if the model writes its message again. The text since the end of the last message is discarded. */
  readonly onTextDiscarded?: (error: { readonly code: string; readonly message: string }) => void
  /** Cancels the run on abort. */
  readonly signal?: AbortSignal
}

const text = z.string().min(1)
type Callback<Name extends keyof RunSessionOptions> = NonNullable<RunSessionOptions[Name]>
/** The longest delay of a timer. */
const maxTimerSeconds = 2_147_483

/** Schemas for code that has these options among its own. */
export const runSessionShape = declareOptions<RunSessionOptions>()({
  sessionId: text.optional(),
  externalId: text.optional(),
  jobId: text.max(255).optional(),
  agent: text.optional(),
  userId: text.optional(),
  tenant: text.optional(),
  context: createObjectSchema<JsonObject>().optional(),
  notes: z.array(z.string()).readonly().default([]),
  maxTurns: z.int().positive().default(40),
  maxBudgetUsd: z.number().nonnegative().optional(),
  timeoutSeconds: z.number().positive().max(maxTimerSeconds).default(600),
  backgroundWaitSeconds: z.number().nonnegative().max(86_400).default(30),
  stateDir: text.optional(),
  stateFile: text
    .refine((name) => !/[/\\]/.test(name), "expected the name of a file, without folders")
    .default("state.json"),
  onHumanNeeded: z.enum(["deny", "park", "fail", "ask"]).default("deny"),
  approvedTools: z.array(text).readonly().default([]),
  onApproval: createFunctionSchema<Callback<"onApproval">>().optional(),
  onElicitation: createFunctionSchema<Callback<"onElicitation">>().optional(),
  onEvent: createFunctionSchema<Callback<"onEvent">>().optional(),
  onText: createFunctionSchema<Callback<"onText">>().optional(),
  onTextDiscarded: createFunctionSchema<Callback<"onTextDiscarded">>().optional(),
  signal: createObjectSchema<AbortSignal>().optional(),
})

/** The options with their defaults. */
export type ResolvedRunOptions = Resolved<RunSessionOptions, typeof runSessionShape>

export function resolveRunOptions(caller: string, options: RunSessionOptions): ResolvedRunOptions {
  return resolveOptions(caller, runSessionShape, options)
}
