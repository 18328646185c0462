import type { ModelPart, VendorData } from "../../core/history/messages.ts"
import type { JsonObject } from "../../core/json/json.ts"
import type { ModelEvent, ModelRequest, Provider, StopReason } from "../../core/ports/model/provider.ts"
import type { Usage } from "../../core/usage.ts"

/**
 * The model's response in one call. Without a `failure` or an `end` it ends regularly: by itself, or for its tool
 * calls.
 */
export type ScriptedTurn = readonly ScriptedStep[] | ((request: ModelRequest) => readonly ScriptedStep[])

export type ScriptedStep =
  /** One delta. Consecutive steps of the same type make one part. */
  | { readonly type: "text"; readonly text: string }
  /** The part keeps `vendor`, like a signature. */
  | { readonly type: "thinking"; readonly text: string; readonly vendor?: VendorData }
  | {
      readonly type: "toolCall"
      readonly name: string
      readonly input?: JsonObject
      readonly malformedInput?: string
      readonly vendor?: VendorData
    }
  /** Pauses until the promise settles. A rejection is thrown. */
  | { readonly type: "wait"; readonly until: PromiseLike<unknown> }
  | {
      readonly type: "failure"
      readonly code: string
      /** Default: a sentence with the code. */
      readonly message?: string
      readonly detail?: string
      readonly providerMessage?: string
      /** Default false. */
      readonly retryable?: boolean
      readonly retryAfterMs?: number
      readonly refusedPart?: "image"
    }
  /** Only needed to set how the response ends. */
  | {
      readonly type: "end"
      readonly stopReason?: StopReason
      readonly usage?: Usage
      readonly model?: string
    }
  /** Throws, which violates the provider's contract. */
  | { readonly type: "throw"; readonly error: unknown }

export interface ScriptedProvider extends Provider {
  /** The requests of all calls so far, oldest first. */
  readonly requests: readonly ModelRequest[]
}

/**
 * Creates a provider that plays a script: one turn for each call, or, if the script is a function, its result for
 * every call. A call after the script's last turn throws. On abort a turn ends at once and silently.
 */
export function scriptedProvider(
  script: readonly ScriptedTurn[] | ((request: ModelRequest) => readonly ScriptedStep[]),
): ScriptedProvider {
  const requests: ModelRequest[] = []
  return {
    name: "scripted",
    defaultModel: "scripted-model",
    requests,
    stream(request, { signal }) {
      const turn = typeof script === "function" ? script : script[requests.length]
      requests.push({ ...request, messages: [...request.messages], tools: [...request.tools] })
      if (turn === undefined) {
        throw new Error(
          `The script has no turn for model call ${requests.length}: add one, or find who called.`,
        )
      }
      return play(typeof turn === "function" ? turn(request) : turn, request, signal)
    },
  }
}

async function* play(
  steps: readonly ScriptedStep[],
  request: ModelRequest,
  signal: AbortSignal,
): AsyncGenerator<ModelEvent, void, undefined> {
  const content: ModelPart[] = []
  let ending: ScriptedStep & { readonly type: "end" } = { type: "end" }
  for (const step of steps) {
    if (signal.aborted) return
    switch (step.type) {
      case "text":
      case "thinking":
        addText(content, step)
        yield { type: `${step.type}Delta`, part: content.length - 1, text: step.text }
        break
      case "toolCall":
        content.push({ input: {}, ...step })
        break
      case "wait":
        await untilSettledOrAborted(step.until, signal)
        break
      case "failure": {
        const { type: _, ...failure } = step
        yield {
          type: "error",
          message: `The scripted model failed: ${step.code}.`,
          retryable: false,
          ...failure,
        }
        return
      }
      case "end":
        ending = step
        break
      case "throw":
        throw step.error
      default:
        step satisfies never
    }
  }
  if (signal.aborted) return
  const called = content.some((part) => part.type === "toolCall")
  yield {
    type: "end",
    content,
    stopReason: ending.stopReason ?? (called ? "toolCalls" : "end"),
    model: ending.model ?? request.model,
    usage: ending.usage ?? null,
  }
}

function addText(content: ModelPart[], step: ScriptedStep & { readonly type: "text" | "thinking" }): void {
  const last = content.at(-1)
  if (last?.type === step.type)
    content[content.length - 1] = { ...last, ...step, text: last.text + step.text }
  else content.push({ ...step })
}

async function untilSettledOrAborted(promise: PromiseLike<unknown>, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<void>()
  const onAbort = () => aborted.resolve()
  signal.addEventListener("abort", onAbort)
  try {
    if (!signal.aborted) await Promise.race([promise, aborted.promise])
  } finally {
    signal.removeEventListener("abort", onAbort)
  }
}
