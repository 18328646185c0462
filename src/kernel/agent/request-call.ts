import type { DirectCall } from "../../core/runs/direct-call.ts"
import { resolveOrigin } from "../../core/tools/tool-origin.ts"
import { createStep } from "./model/call-model.ts"
import { type ModelRunContext, record } from "./run-context.ts"

/** Logs the step and the call of a run without a model, in one commit. From here on it is settled like a model's. */
export async function requestCall(
  context: ModelRunContext,
  { tool: name, input }: DirectCall,
): Promise<void> {
  const { ids, runtime } = context
  const started = createStep(ids, 1)
  const tool = runtime.listTools().find((candidate) => candidate.name === name)
  const executionLocation = tool?.executionLocation ?? "backend"
  const origin = tool === undefined ? null : resolveOrigin(tool, input)
  const call = { toolCallId: ids.next("call"), name, input, callIndex: 0, executionLocation } as const
  const requested = { type: "toolCallRequested", stepId: started.stepId, ...call } as const
  await record(context, [started, { ...requested, ...(origin !== null && { origin }) }])
}
