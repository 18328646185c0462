import { createHash } from "node:crypto"
import type {
  ModelChoice,
  Provider,
  SystemBlock,
  ToolSpecification,
} from "../../core/ports/model/provider.ts"
import { loopOptions } from "../../kernel/agent/options.ts"
import { waitOptions } from "../../kernel/approvals/options.ts"
import { createPricing } from "../../kernel/pricing/create-pricing.ts"
import { offerTools, type ToolOffer } from "../../kernel/tools/offer/offer-tools.ts"
import { pickOptions } from "../../platform/options/resolve-options.ts"
import { hookOptions } from "../hooks/hooks.ts"
import type { ResolvedModelRuntime } from "../options/runtime-options.ts"

/**
 * Keeps the parts of an agent's runtimes from run to run. A tool counts as unchanged while its name, its description
 * and its schema are the same objects, so a tool whose schema is changed in place keeps its former form.
 */
export interface RuntimeMemo {
  /** Returns the parts that depend only on the options. They are built once for each options object. */
  optionParts(chat: ResolvedModelRuntime): OptionParts
  /** Returns the revision of a definition. It is hashed again when one of its parts has changed. */
  revisionOf(definition: AgentParts): string
  /** Returns the tools in the form that a provider accepts. They are converted again when one of them has changed. */
  offer(tools: readonly ToolSpecification[], provider: Provider): ToolOffer
}

type OptionParts = ReturnType<typeof selectOptionParts>

/** The parts of an agent that its revision describes. */
interface AgentParts {
  readonly systemPrompt: readonly SystemBlock[]
  readonly models: readonly ModelChoice[]
  readonly tools: readonly ToolSpecification[]
}

/** Maximum number of remembered definitions: that of the agent itself, and those of its roles and models. */
const maxRevisions = 16

export function createRuntimeMemo(): RuntimeMemo {
  const options = new WeakMap<ResolvedModelRuntime, OptionParts>()
  const offers = new WeakMap<
    Provider,
    { readonly tools: readonly ToolSpecification[]; readonly offer: ToolOffer }
  >()
  const revisions: { readonly parts: AgentParts; readonly revision: string }[] = []
  return {
    optionParts(chat) {
      const known = options.get(chat) ?? selectOptionParts(chat)
      options.set(chat, known)
      return known
    },
    revisionOf(parts) {
      const known = revisions.find((each) => isSameAgent(each.parts, parts))
      if (known !== undefined) return known.revision
      const revision = hashOf(parts)
      revisions.unshift({ parts, revision })
      revisions.splice(maxRevisions)
      return revision
    },
    offer(tools, provider) {
      const known = offers.get(provider)
      if (known !== undefined && areSame(known.tools, tools, isSameTool)) return known.offer
      const offer = offerTools(tools, provider.toolRules ?? {})
      offers.set(provider, { tools, offer })
      return offer
    },
  }
}

function selectOptionParts(chat: ResolvedModelRuntime) {
  return {
    limits: { ...pickOptions(loopOptions, chat), ...pickOptions(waitOptions, chat) },
    hooks: pickOptions(hookOptions, chat),
    pricing: createPricing(chat.prices),
  }
}

function hashOf({ systemPrompt, models, tools }: AgentParts): string {
  const names = models.map(({ provider, model }) => ({ provider: provider.name, model }))
  return createHash("sha256")
    .update(JSON.stringify({ systemPrompt, models: names, tools }))
    .digest("hex")
    .slice(0, 12)
}

function isSameAgent(left: AgentParts, right: AgentParts): boolean {
  return (
    areSame(left.tools, right.tools, isSameTool) &&
    areSame(left.models, right.models, (one, other) => {
      return one.provider.name === other.provider.name && one.model === other.model
    }) &&
    areSame(left.systemPrompt, right.systemPrompt, isSameBlock)
  )
}

function isSameTool(left: ToolSpecification, right: ToolSpecification): boolean {
  return (
    left.name === right.name &&
    left.description === right.description &&
    left.inputSchema === right.inputSchema
  )
}

function isSameBlock(left: SystemBlock, right: SystemBlock): boolean {
  return left.text === right.text && left.cache === right.cache
}

function areSame<Item>(
  left: readonly Item[],
  right: readonly Item[],
  isSame: (left: Item, right: Item) => boolean,
): boolean {
  if (left.length !== right.length) return false
  return left.every((item, index) => {
    const other = right[index]
    return other !== undefined && isSame(item, other)
  })
}
