import { z } from "zod"
import type { ChatEvent } from "../../client/wire/chat-event.ts"
import type { JsonObject } from "../../core/json/json.ts"
import { declareOptions, type Resolved } from "../../options/declare-options.ts"
import { resolveOptions } from "../../options/resolve-options.ts"
import { anObject, callback } from "../../options/schemas.ts"
import type { RunRequest } from "../runs.ts"

/** Treatment of approvals and questions of a run without a client. */
export type OnHumanNeeded =
  /** The call is denied and the question declined; the model goes on without. */
  | "deny"
  /** They stay open. Once the run waits for people only, the caller gets an output with `parked: true`. */
  | "park"
  /** The run is canceled, and its error says what it needs. */
  | "fail"
  /** The person at the terminal of this process is asked. Without a terminal, as `deny`. */
  | "ask"

export interface RunSessionOptions {
  /** Id of the session to continue. Default: a new session. */
  readonly sessionId?: string
  /**
   * Names the work. If a process that did this job was killed, the same call goes on where it was, and finishes once.
   * If the job is over, the call returns its output again. Use another id for each time the work is to be done, such
   * as `report-2026-11-22`. Default: each call is work of its own.
   */
  readonly jobId?: string
  /** Name of the agent. Default: the gateway's default agent. */
  readonly agent?: string
  /** Owner of the session. Default: the application itself. */
  readonly userId?: string
  /** Tenant of `userId`. */
  readonly tenant?: string
  /** For `buildChatRuntime`, as in `POST /chat`. Default `{}`. */
  readonly context?: JsonObject
  /** Further texts of the message, for example a checklist. They do not tell one job from another. Default: none. */
  readonly notes?: readonly string[]
  /** Maximum number of turns, besides the agent's own limit. Default 40. */
  readonly maxTurns?: number
  /** US dollars that the run may cost, besides the agent's own limit. Default: no further limit. */
  readonly maxBudgetUsd?: number
  /**
   * Seconds after which the run is canceled, with its model call, tools, sub-agents and sandboxes. Counted in each
   * process. At most 2 147 483. Default 600.
   */
  readonly timeoutSeconds?: number
  /** Folder of the state file. Default: no state. */
  readonly stateDir?: string
  /** Name of the state file in `stateDir`. Default `state.json`. */
  readonly stateFile?: string
  /** Default `deny`. */
  readonly onHumanNeeded?: OnHumanNeeded
  /** Names of tools whose calls are approved without asking anyone. Default: none. */
  readonly approvedTools?: readonly string[]
  /** Asked about each approval, in place of `onHumanNeeded`. */
  readonly onApproval?: RunRequest["onApproval"]
  /** Asked what tools ask the user, in place of `onHumanNeeded`. */
  readonly onElicitation?: RunRequest["onElicitation"]
  /** Called with each event of the run, as a client of the HTTP API is sent it. */
  readonly onEvent?: (event: ChatEvent) => void
  /** Called with the model's text as it comes, with a blank line between messages. */
  readonly onText?: (text: string) => void
  /** Called when the text since the last message's end is void, because the model starts that message again. */
  readonly onTextDiscarded?: (error: { readonly code: string; readonly message: string }) => void
  /** Cancels the run. */
  readonly signal?: AbortSignal
}

const text = z.string().min(1)
type Callback<Name extends keyof RunSessionOptions> = NonNullable<RunSessionOptions[Name]>
/** The longest delay of a timer. */
const maxTimerSeconds = 2_147_483

/** For others that take these options among their own. */
export const runSessionShape = declareOptions<RunSessionOptions>()({
  sessionId: text.optional(),
  jobId: text.max(255).optional(),
  agent: text.optional(),
  userId: text.optional(),
  tenant: text.optional(),
  context: anObject<JsonObject>().optional(),
  notes: z.array(z.string()).readonly().default([]),
  maxTurns: z.int().positive().default(40),
  maxBudgetUsd: z.number().nonnegative().optional(),
  timeoutSeconds: z.number().positive().max(maxTimerSeconds).default(600),
  stateDir: text.optional(),
  stateFile: text
    .refine((name) => !/[/\\]/.test(name), "expected the name of a file, without folders")
    .default("state.json"),
  onHumanNeeded: z.enum(["deny", "park", "fail", "ask"]).default("deny"),
  approvedTools: z.array(text).readonly().default([]),
  onApproval: callback<Callback<"onApproval">>().optional(),
  onElicitation: callback<Callback<"onElicitation">>().optional(),
  onEvent: callback<Callback<"onEvent">>().optional(),
  onText: callback<Callback<"onText">>().optional(),
  onTextDiscarded: callback<Callback<"onTextDiscarded">>().optional(),
  signal: anObject<AbortSignal>().optional(),
})

/** The options with their defaults. */
export type ResolvedRunOptions = Resolved<RunSessionOptions, typeof runSessionShape>

export function resolveRunOptions(caller: string, options: RunSessionOptions): ResolvedRunOptions {
  return resolveOptions(caller, runSessionShape, options)
}
