import type { Pricing } from "../../core/ports/model/pricing.ts"
import type { ModelChoice, ModelEnd, ModelFailure, ModelRequest } from "../../core/ports/model/provider.ts"
import { rejectOnAbort } from "../../core/time/reject-on-abort.ts"
import type { Cost, Usage } from "../../core/usage.ts"

/** The outcome of one short call of a model. */
export interface ModelProbe {
  readonly agent: string
  readonly provider: string
  readonly model: string
  /** Null if the model responded. */
  readonly failure: Pick<ModelFailure, "code" | "message" | "detail"> | null
  readonly durationMs: number
  /** Null if the provider reported none. */
  readonly usage: Usage | null
  /** US dollars. Null if the price of the model or the usage is not known. */
  readonly cost: Cost
}

/** The models of one agent, as its runs call them. */
export interface ProbedModels {
  readonly agent: string
  readonly models: readonly ModelChoice[]
  readonly pricing: Pricing
  /** The agent's own limit of output tokens. */
  readonly maxTokens: number
}

/** The smallest limit that every provider accepts. */
const probeTokens = 16
const timeoutMs = 30_000

/** Calls each model once, one after another, because providers limit rates. */
export async function probeModels(
  agents: readonly ProbedModels[],
  signal: AbortSignal,
): Promise<readonly ModelProbe[]> {
  const probes: ModelProbe[] = []
  for (const { agent, models, pricing, maxTokens } of agents) {
    for (const choice of models) {
      const { provider, model } = choice
      const start = performance.now()
      const end = await probe(choice, maxTokens, signal)
      const usage = end.type === "end" ? end.usage : null
      probes.push({
        agent,
        provider: provider.name,
        model,
        failure: end.type === "error" ? end : null,
        durationMs: Math.round(performance.now() - start),
        usage,
        cost: usage === null ? null : pricing.cost({ priceList: provider.priceList, model, usage }),
      })
    }
  }
  return probes
}

async function probe(choice: ModelChoice, maxTokens: number, signal: AbortSignal): Promise<ProbeEnd> {
  const end = await call(choice, createRequest(choice, probeTokens), { signal, stopsEarly: false })
  if (end.type !== "error" || end.code !== "invalid_request" || maxTokens <= probeTokens) return end
  // A provider may refuse so low a limit, for example together with a budget for thinking.
  return call(choice, createRequest(choice, maxTokens), { signal, stopsEarly: true })
}

function createRequest({ model }: ModelChoice, maxTokens: number): ModelRequest {
  const messages = [{ role: "user", content: [{ type: "text", text: "Hi" }] }] as const
  return { model, system: [], messages, tools: [], maxTokens }
}

type ProbeEnd = ModelEnd | ModelFailure | { readonly type: "responds" }

/** Calls a model. With `stopsEarly`, the call stops at the first sign of a response. */
async function call(
  { provider }: ModelChoice,
  request: ModelRequest,
  { signal, stopsEarly }: { readonly signal: AbortSignal; readonly stopsEarly: boolean },
): Promise<ProbeEnd> {
  const stop = new AbortController()
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
  const readFirst = async (): Promise<ProbeEnd> => {
    for await (const event of provider.stream(request, { signal: stop.signal })) {
      if (event.type === "end" || event.type === "error") return event
      if (stopsEarly && event.type !== "progress") return { type: "responds" }
    }
    return { type: "error", code: "upstream_cut", message: "The provider sent no response.", retryable: true }
  }
  try {
    return await rejectOnAbort(limit, readFirst())
  } catch (error) {
    signal.throwIfAborted()
    if (!limit.aborted) throw error
    const message = `The provider did not respond in ${timeoutMs / 1_000} seconds.`
    return { type: "error", code: "upstream_timeout", message, retryable: true }
  } finally {
    stop.abort()
  }
}
