import type { JsonObject } from "../../core/json/json.ts"
import type { RunnerDecision } from "../../core/runner.ts"
import { fieldsOf, jsonObjectOf } from "../fields.ts"
import { denialText } from "../runner-options.ts"
import type { CanUseTool } from "./sdk.ts"

/** A call that the model asked for, under the SDK's name of the tool. */
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
 * Decides about every call before Claude Code makes it. Nothing is allowed but calls that are in the gateway's log by
 * then, each once.
 */
export interface CallGate {
  /** The hook `PreToolUse`. */
  readonly hook: (input: object) => Promise<object>
  /**
   * The second lock: Claude Code asks here after the hook, and instead of it when it resumes a session before it knows
   * its hooks.
   */
  readonly canUseTool: CanUseTool
  /** The model has asked for the call. Claude Code waits for the verdict. */
  see(call: SdkCall): void
  decide(id: string, verdict: Verdict): void
  /** `isIdle` says that nothing is left to read. A call that was not seen by then is denied. */
  setIdle(isIdle: boolean): void
  /** Returns true once for an allowed call, which this process then executes. */
  take(id: string, name: string): boolean
  /** The message that the model receives in place of a result; null for a call that was not denied. */
  denialOf(id: string): string | null
  /** The call with which Claude Code ends, for a person to be asked about. */
  readonly deferred: SdkCall | null
  /** If true, Claude Code has asked about the call that a person decided. */
  readonly isStarted: boolean
  /** Denies what still waits, and all that follows. */
  close(): void
}

/** `asked` is the call that a person was asked about before this process was started; null if there was none. */
export function createCallGate(asked: SdkCall | null, decisions: readonly RunnerDecision[]): CallGate {
  const seen = new Map<string, { readonly call: SdkCall; verdict: Verdict | null }>()
  const waiting = new Map<string, (verdict: Verdict) => void>()
  const rulings = new Map<string, Promise<Ruling>>()
  const executable = new Map<string, string>()
  const denials = new Map<string, string>()
  /** Calls whose hook has asked. If a model reuses an id, it makes another call, which no person has allowed. */
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

  function verdictOn(id: string): Promise<Verdict> {
    if (isClosed) return Promise.resolve({ type: "deny", message: notAllowed })
    const known = seen.get(id)?.verdict
    if (known) return Promise.resolve(known)
    const { promise, resolve } = Promise.withResolvers<Verdict>()
    waiting.set(id, resolve)
    // By then, what came before the question was read.
    setImmediate(() => denyUnknown(id))
    return promise
  }

  function rulingOnDecision({ id, input }: SdkCall): Ruling {
    const decision = decisions.find((one) => one.id === id)
    if (decision === undefined) return { type: "deny", message: interruptedCall }
    if (!decision.approved) return { type: "deny", message: denialText(decision) }
    // The input that the person saw, whatever the transcript has.
    return { type: "allow", input: decision.editedInput ?? input }
  }

  async function rule(id: string, name: string): Promise<Ruling> {
    if (id === asked?.id)
      return name === asked.name ? rulingOnDecision(asked) : { type: "deny", message: notAllowed }
    const verdict = await verdictOn(id)
    const call = seen.get(id)?.call
    if (verdict.type === "deny") return verdict
    if (call === undefined || call.name !== name) return { type: "deny", message: notAllowed }
    if (verdict.type === "allow") return { type: "allow", input: call.input }
    deferred ??= call
    return deferred === call ? verdict : { type: "deny", message: notAllowed }
  }

  /** The same for both locks, so that a call is allowed once. */
  function rulingOn(id: unknown, name: unknown): Promise<Ruling> {
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
      const { tool_use_id: id, tool_name: name } = fieldsOf(given)
      const isRepeated = hooked.has(id)
      hooked.add(id)
      const ruling: Ruling = isRepeated ? { type: "deny", message: notAllowed } : await rulingOn(id, name)
      switch (ruling.type) {
        case "allow":
          return output({ permissionDecision: "allow", updatedInput: ruling.input })
        case "defer":
          return output({ permissionDecision: "defer" })
        case "deny":
          return output({ permissionDecision: "deny", permissionDecisionReason: ruling.message })
        default:
          return ruling satisfies never
      }
    },
    async canUseTool(name, _input, { toolUseID }) {
      // There was no hook, or it has asked before.
      hooked.add(toolUseID)
      const ruling = await rulingOn(toolUseID, name)
      if (ruling.type === "allow") return { behavior: "allow", updatedInput: ruling.input }
      // Claude Code cannot defer a call here.
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
  const { id, name, input } = fieldsOf(block)
  return { id: String(id), name: String(name), input: jsonObjectOf(input) }
}

function output(decision: object): object {
  return { hookSpecificOutput: { hookEventName: "PreToolUse", ...decision } }
}
