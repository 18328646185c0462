import { ConfigurationError } from "../../core/errors.ts"
import type { ContentPart } from "../../core/history/messages.ts"
import { isJsonObject, type JsonObject } from "../../core/json/json.ts"
import { toJson } from "../../core/json/to-json.ts"
import type { ReturnedWait } from "../../core/ports/tools/tool.ts"
import type { Question } from "../../core/question.ts"
import type { ChildTask } from "../../core/runs/child.ts"

// The symbol is registered, so that a value of another copy of this package is recognized too.
const mark = Symbol.for("ai-agent-gateway.tool-wait")

/** A wait that a tool returns in place of a result. Created by `wait.sleep()`, `wait.input()` and `wait.child()`. */
export interface ToolWait {
  readonly [mark]: ReturnedWait
}

export interface SleepOptions {
  /** The end of the sleep: a date, or milliseconds since the Unix epoch. At most a year from now. */
  readonly until: Date | number
  /** The tool receives it as `context.answered.continuation`. At most 1 000 000 characters as JSON. Default `{}`. */
  readonly continuation?: JsonObject
}

export interface InputOptions {
  readonly question: Question
  /** The tool receives it as `context.answered.continuation`. Default `{}`. */
  readonly continuation?: JsonObject
}

export interface ChildOptions extends Omit<ChildTask, "content"> {
  /** The message that starts the child's run: a text, or parts. */
  readonly message: string | readonly ContentPart[]
  /** The tool receives it as `context.answered.continuation`. Default `{}`. */
  readonly continuation?: JsonObject
}

/**
 * Waits that outlive the process. A tool returns one of them. Its run is parked and uses no process and no memory.
 * After the wait has ended, any process executes the tool again with the same input and with `context.answered`.
 *
 * @example return wait.sleep({ until: Date.now() + 60_000, continuation: { order: 7 } })
 */
export const wait = {
  /** Executes the tool again at the given time. */
  sleep({ until, continuation = {} }: SleepOptions): ToolWait {
    const time = until instanceof Date ? until.getTime() : until
    if (!Number.isFinite(time)) throw new ConfigurationError("wait.sleep() requires a time as `until`.")
    const kept = requireJsonObject(continuation, "wait.sleep()")
    return { [mark]: { type: "wait", kind: "timer", until: Math.ceil(time), continuation: kept } }
  },
  /** Asks the user, and executes the tool again with the answer, or when the wait expires. */
  input({ question, continuation = {} }: InputOptions): ToolWait {
    const kept = requireJsonObject(continuation, "wait.input()")
    return { [mark]: { type: "wait", kind: "elicitation", question, continuation: kept } }
  },
  /**
   * Gives a task to another session with an agent of this gateway. Executes the tool again after that run has ended,
   * with its outcome as `context.answered`. The task and the continuation have at most 200 000 characters as JSON.
   */
  child({ message, continuation = {}, ...task }: ChildOptions): ToolWait {
    const content = typeof message === "string" ? [{ type: "text", text: message } as const] : message
    const kept = requireJsonObject(continuation, "wait.child()")
    return { [mark]: { type: "wait", kind: "child", task: { content, ...task }, continuation: kept } }
  },
} as const

/** Returns the continuation. Another process receives it, so it must be JSON. */
function requireJsonObject(continuation: unknown, name: string): JsonObject {
  const value = toJson(continuation, `${name}: the continuation`)
  if (!isJsonObject(value)) throw new ConfigurationError(`${name} takes an object as \`continuation\`.`)
  return value
}

/** Returns the wait inside. Null for any other value. */
export function findReturnedWait(value: unknown): ReturnedWait | null {
  return typeof value === "object" && value !== null && mark in value ? (value as ToolWait)[mark] : null
}
