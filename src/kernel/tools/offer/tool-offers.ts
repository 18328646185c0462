import type { Logger } from "../../../core/ports/logger.ts"
import type { Provider, ToolSpecification } from "../../../core/ports/model/provider.ts"
import type { Tool } from "../../../core/ports/tools/tool.ts"
import { createRecentMap } from "../../../core/recent-cache.ts"
import { offerTools, type ToolChange, type ToolOffer } from "./offer-tools.ts"

export interface ReportedChange extends ToolChange {
  readonly provider: string
}

/** Converts tools for a provider's service. */
type OfferFor = (tools: readonly ToolSpecification[], provider: Provider) => ToolOffer

export type ReportToolChange = (change: ReportedChange) => void

/**
 * Returns the tools in the form that a provider accepts. The result is kept while `tools` returns the same array.
 * Each new result reports all of its differences.
 */
export function createToolOffers(
  tools: () => readonly Tool[],
  report: ReportToolChange,
  offerFor: OfferFor = (specifications, { toolRules = {} }) => offerTools(specifications, toolRules),
): (provider: Provider) => readonly ToolSpecification[] {
  let source: readonly Tool[] | null = null
  const offers = new Map<Provider, readonly ToolSpecification[]>()
  return (provider) => {
    const current = tools()
    if (current !== source) {
      source = current
      offers.clear()
    }
    const known = offers.get(provider)
    if (known !== undefined) return known
    const offer = offerFor(current.map(toSpecification), provider)
    offers.set(provider, offer.tools)
    for (const change of offer.changes) report({ ...change, provider: provider.name })
    return offer.tools
  }
}

export function toSpecification({ name, description, inputSchema }: Tool): ToolSpecification {
  return { name, description, inputSchema }
}

/** Maximum number of remembered changes. Each is logged once, and not once for each run. */
const rememberedChanges = 1_000

/** Creates a function that logs new changes of tools. */
export function createToolChangeLog(logger: Logger): ReportToolChange {
  const logged = createRecentMap<true>(rememberedChanges)
  return ({ provider, tool, action, reason }) => {
    const key = JSON.stringify([provider, tool, reason])
    const isKnown = logged.get(key) === true
    logged.set(key, true)
    if (!isKnown) logger.warn({ provider, tool, reason }, messages[action])
  }
}

const messages: Readonly<Record<ToolChange["action"], string>> = {
  changed: "The model sees a tool in a changed form, because the provider would refuse the original.",
  left_out: "The model does not see a tool, because the provider would refuse the request with it.",
}

/** Returns the result of `doctor`'s check of the tools. */
export function createToolCheck(changes: readonly ReportedChange[]): {
  readonly ok: boolean
  readonly detail?: string
} {
  const lines = changes.map(
    ({ provider, tool, action, reason }) =>
      `${JSON.stringify(tool)} is ${action === "left_out" ? "left out" : "changed"} for ${provider}: ${reason}`,
  )
  const isComplete = changes.every(({ action }) => action === "changed")
  return { ok: isComplete, ...(lines.length > 0 && { detail: lines.join(" ") }) }
}
