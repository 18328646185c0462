import type { JsonObject } from "../../../../core/json/json.ts"
import type { RunnerDecision } from "../../../../core/runs/runner.ts"
import { readFields, toJsonObject } from "../../fields.ts"
import { formatDenial } from "../../runner-options.ts"
import type { CanUseTool } from "../sdk.ts"

/** A call that the model requested. `name` is the SDK's name of the tool. */
export interface SdkCall {
  readonly id: string
  readonly name: string
  readonly input: JsonObject
}

export type Verdict =
  | { readonly type: "allow" }
  /** Ends the query, so that a person can be asked. Claude Code tries the call again when the session is resumed. */
  | { readonly type: "defer" }
  | { readonly type: "deny"; readonly message: string }

type Ruling =
  | { readonly type: "allow"; readonly input: JsonObject }
  | { readonly type: "defer" }
  | { readonly type: "deny"; readonly message: string }

const unknownCall =
  "This call was not executed: the server stopped before it was recorded. Make the call again if it is still needed."
const interruptedCall =
  "The server stopped during this call. It may or may not have taken effect. Check that before you repeat it."
const notAllowed = "This call was not executed, because it was not allowed."

/**
 * Decides about every call before Claude Code executes it. Allows only calls that are in the gateway's log by then,
 * and each of them once.
 */
export interface CallGate {
  /** Callback of the SDK's hook `PreToolUse`. */
  readonly hook: (input: object) => Promise<object>
  /**
   * Second check. Claude Code calls it after the hook. When Claude Code resumes a session before its hooks are
   * registered, it calls only this.
   */
  readonly canUseTool: CanUseTool
  /** Records that the model has requested the call. Claude Code waits for the verdict. */
  see(call: SdkCall): void
  decide(id: string, verdict: Verdict): void
  /** If `isIdle` is true, all output has been read. A call that was not recorded by then is denied. */
  setIdle(isIdle: boolean): void
  /** Returns true once for an allowed call. The caller then executes the call. */
  take(id: string, name: string): boolean
  /** Returns the message that the model receives in place of a result. Null for a call that was not denied. */
  denialOf(id: string): string | null
  /** The call with which the query ended, because a person must decide about it. */
  readonly deferred: SdkCall | null
  /** If true, Claude Code has asked again about the call that a person decided. */
  readonly isStarted: boolean
  /** Denies all pending and all later calls. */
  close(): void
}

/**
 * Creates the gate of one query. `asked` is the call that a person was asked about before this process started; null
 * if there was none.
 */
export function createCallGate(asked: SdkCall | null, decisions: readonly RunnerDecision[]): CallGate {
  const seen = new Map<string, { readonly call: SdkCall; verdict: Verdict | null }>()
  const waiting = new Map<string, (verdict: Verdict) => void>()
  const rulings = new Map<string, Promise<Ruling>>()
  const executable = new Map<string, string>()
  const denials = new Map<string, string>()
  /**
   * Ids of calls for which the hook was called. If a model reuses an id, that is another call, which no person has
   * allowed.
   */
  const hooked = new Set<unknown>()
  let deferred: SdkCall | null = null
  let isIdle = false
  let isClosed = false

  function settle(id: string, verdict: Verdict): void {
    waiting.get(id)?.(verdict)
    waiting.delete(id)
  }

  function denyUnknown(id: string): void {
    if (isIdle && !seen.has(id)) settle(id, { type: "deny", message: unknownCall })
  }

  function findVerdict(id: string): Promise<Verdict> {
    if (isClosed) return Promise.resolve({ type: "deny", message: notAllowed })
    const known = seen.get(id)?.verdict
    if (known) return Promise.resolve(known)
    const { promise, resolve } = Promise.withResolvers<Verdict>()
    waiting.set(id, resolve)
    // By that turn of the event loop, all output before the question has been read.
    setImmediate(() => denyUnknown(id))
    return promise
  }

  function ruleOnDecision({ id, input }: SdkCall): Ruling {
    const decision = decisions.find((one) => one.id === id)
    if (decision === undefined) return { type: "deny", message: interruptedCall }
    if (!decision.approved) return { type: "deny", message: formatDenial(decision) }
    // The tool receives the input that the person saw, even if the transcript has another one.
    return { type: "allow", input: decision.editedInput ?? input }
  }

  async function rule(id: string, name: string): Promise<Ruling> {
    if (id === asked?.id)
      return name === asked.name ? ruleOnDecision(asked) : { type: "deny", message: notAllowed }
    const verdict = await findVerdict(id)
    const call = seen.get(id)?.call
    if (verdict.type === "deny") return verdict
    if (call === undefined || call.name !== name) return { type: "deny", message: notAllowed }
    if (verdict.type === "allow") return { type: "allow", input: call.input }
    deferred ??= call
    return deferred === call ? verdict : { type: "deny", message: notAllowed }
  }

  /** Returns one ruling for both checks, so that a call is allowed once. */
  function findRuling(id: unknown, name: unknown): Promise<Ruling> {
    if (typeof id !== "string" || typeof name !== "string") {
      return Promise.resolve({ type: "deny", message: notAllowed })
    }
    const known = rulings.get(id)
    if (known !== undefined) return known
    const ruling = rule(id, name).then((outcome) => {
      if (outcome.type === "allow") executable.set(id, name)
      if (outcome.type === "deny") denials.set(id, outcome.message)
      return outcome
    })
    rulings.set(id, ruling)
    return ruling
  }

  return {
    async hook(given) {
      const { tool_use_id: id, tool_name: name } = readFields(given)
      const isRepeated = hooked.has(id)
      hooked.add(id)
      const ruling: Ruling = isRepeated ? { type: "deny", message: notAllowed } : await findRuling(id, name)
      switch (ruling.type) {
        case "allow":
          return createOutput({ permissionDecision: "allow", updatedInput: ruling.input })
        case "defer":
          return createOutput({ permissionDecision: "defer" })
        case "deny":
          return createOutput({ permissionDecision: "deny", permissionDecisionReason: ruling.message })
        default:
          return ruling satisfies never
      }
    },
    async canUseTool(name, _input, { toolUseID }) {
      // The hook was not called, or it has already returned its ruling.
      hooked.add(toolUseID)
      const ruling = await findRuling(toolUseID, name)
      if (ruling.type === "allow") return { behavior: "allow", updatedInput: ruling.input }
      // The SDK offers no way to defer a call in `canUseTool`.
      return { behavior: "deny", message: ruling.type === "deny" ? ruling.message : notAllowed }
    },
    see(call) {
      if (!seen.has(call.id)) seen.set(call.id, { call, verdict: null })
    },
    decide(id, verdict) {
      const entry = seen.get(id)
      if (entry === undefined || entry.verdict !== null) return
      entry.verdict = verdict
      settle(id, verdict)
    },
    setIdle(value) {
      isIdle = value
      for (const id of [...waiting.keys()]) denyUnknown(id)
    },
    take(id, name) {
      if (executable.get(id) !== name) return false
      executable.delete(id)
      return true
    },
    denialOf: (id) => denials.get(id) ?? null,
    get deferred() {
      return deferred
    },
    get isStarted() {
      return asked !== null && rulings.has(asked.id)
    },
    close() {
      isClosed = true
      for (const id of [...waiting.keys()]) settle(id, { type: "deny", message: notAllowed })
    },
  }
}

export function callOf(block: object): SdkCall {
  const { id, name, input } = readFields(block)
  return { id: String(id), name: String(name), input: toJsonObject(input) }
}

function createOutput(decision: object): object {
  return { hookSpecificOutput: { hookEventName: "PreToolUse", ...decision } }
}
