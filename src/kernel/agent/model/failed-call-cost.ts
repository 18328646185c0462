import type { OpenedPart } from "../../../core/log/deltas.ts"
import type { ModelCallFailed, StepRetried } from "../../../core/log/entries.ts"
import type { ModelFailure, ModelRequest } from "../../../core/ports/model/provider.ts"
import { noUsage } from "../../../core/usage.ts"
import type { ModelRunContext } from "../run-context.ts"
import { computeCharge } from "./budget.ts"
import { type CountedUsage, countPlainBytes, countUsage, estimateInput } from "./estimate-tokens.ts"
import { findModel, type ModelAttempt } from "./model-attempt.ts"
import type { Streamed } from "./stream-response.ts"

/** Failures of a provider that accepted the request and did not finish its response in time. */
const silences: readonly string[] = ["upstream_cut", "upstream_stalled", "upstream_timeout"]

/**
 * Returns true if the call may have cost something. A provider that refuses a request charges nothing. A provider
 * that started a response, or went silent, may charge.
 */
export function mayHaveCost({ code }: ModelFailure, { begun }: Streamed): boolean {
  return begun || silences.includes(code)
}

export const freeOfCharge: CountedUsage = { usage: noUsage, charged: noUsage, estimated: false }

/** Estimates the usage and cost of a call that did not end. */
export function countFailedCall(
  context: ModelRunContext,
  request: ModelRequest,
  { text, thinking, hiddenBytes, inputCharacters, usage }: Streamed,
): Promise<CountedUsage> {
  const outputBytes =
    Buffer.byteLength(text) + Buffer.byteLength(thinking) + Math.max(hiddenBytes, inputCharacters)
  return countUsage(usage, { ...collectEvidence(context, request), outputBytes })
}

/** Collects the data that verifies a provider's counts. */
export function collectEvidence({ runtime, conversation }: ModelRunContext, request: ModelRequest) {
  const known = conversation.sizes.messages
  // Only a budget justifies reading the whole request.
  const plainInputBytes = runtime.maxBudgetUsd === undefined ? null : () => countPlainBytes(request, known)
  return { inputTokens: () => estimateInput(request, known), plainInputBytes }
}

export function createFailedCall(
  context: ModelRunContext,
  { step, number, modelIndex }: ModelAttempt,
  { code, providerMessage }: Pick<ModelFailure, "code" | "providerMessage">,
  { estimated, ...counted }: CountedUsage,
): ModelCallFailed {
  const choice = findModel(context.runtime, modelIndex)
  const spending = computeCharge(context, choice, counted)
  const { stepId } = step
  return {
    type: "modelCallFailed",
    stepId,
    attempt: number,
    model: choice.model,
    code,
    ...(providerMessage !== undefined && { providerMessage }),
    ...spending,
    estimated,
  }
}

export function createRetryEvent(
  { step: { stepId }, number, modelIndex }: ModelAttempt,
  error: { readonly code: string; readonly message: string },
  opened: readonly OpenedPart[],
): StepRetried {
  const discarded = opened.length > 0 ? { opened } : {}
  return { type: "stepRetried", stepId, attempt: number, error, modelIndex, ...discarded }
}
