import { createAgent } from "../../src/gateway/create-agent.ts"
import { tool } from "../../src/kernel/tools/local-tool.ts"
import { anthropicEvents } from "../../src/testing/provider/anthropic-wire.ts"
import { startScriptedUpstream, type UpstreamRequest } from "../../src/testing/provider/scripted-upstream.ts"

/** Input tokens of one run, as Anthropic bills them. */
export interface BilledInput {
  readonly plain: number
  readonly written: number
  readonly read: number
  /** All of them in the price of plain input: writing costs 1.25 times as much, reading a tenth. */
  readonly asPlain: number
}

export interface PromptCacheResult {
  readonly turns: number
  readonly cached: BilledInput
  readonly uncached: BilledInput
}

const bytesPerToken = 4
/** Prices relative to plain input. */
const writePrice = 1.25
const readPrice = 0.1
const prompt = "You review the files of a project, one after the other. ".repeat(100)
const file = "export const answer = 42 // The answer.\n".repeat(50)

/** Measures the input of a run of this many turns, each of which but the last one calls a tool. */
export async function measurePromptCache({ turns }: { readonly turns: number }): Promise<PromptCacheResult> {
  return { turns, cached: await runWith(turns, true), uncached: await runWith(turns, false) }
}

async function runWith(turns: number, cache: boolean): Promise<BilledInput> {
  let calls = 0
  const upstream = await startScriptedUpstream(() => {
    calls += 1
    const part =
      calls < turns
        ? ({ type: "toolCall", name: "read_file", input: { path: `src/${calls}.ts` } } as const)
        : ({ type: "text", text: ["All files are fine."] } as const)
    return { steps: anthropicEvents([part]) }
  })
  const agent = createAgent(prompt, {
    cache,
    store: "memory",
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    tools: [
      tool({
        name: "read_file",
        description: "Returns the text of a file.",
        inputSchema: { type: "object", properties: { path: { type: "string" } } },
        readOnly: true,
        execute: () => file,
      }),
    ],
  })
  try {
    await agent.prepare({ env: { ANTHROPIC_API_KEY: "bench", ANTHROPIC_BASE_URL: upstream.url } })
    const { outcome } = await agent.run("Review the project.")
    if (outcome !== "completed") throw new Error(`The run of the bench ended as ${outcome}.`)
    return bill(upstream.requests)
  } finally {
    await agent.close()
    await upstream.close()
  }
}

/**
 * Applies the documented rules of the API: a request reads the longest prefix that an earlier request wrote, and
 * writes the rest up to its last mark.
 */
function bill(requests: readonly UpstreamRequest[]): BilledInput {
  const written = new Set<string>()
  const total = { plain: 0, written: 0, read: 0 }
  for (const { body } of requests) {
    const blocks = listBlocks(body)
    const prefixes = blocks.map((_, index) =>
      blocks
        .slice(0, index + 1)
        .map(({ text }) => text)
        .join("\n"),
    )
    const tokens = prefixes.map((prefix) => Math.ceil(Buffer.byteLength(prefix) / bytesPerToken))
    const at = (index: number) => (index === -1 ? 0 : (tokens[index] ?? 0))
    const read = prefixes.findLastIndex((prefix) => written.has(prefix))
    const marked = blocks.flatMap(({ isMarked }, index) => (isMarked ? [index] : []))
    const lastMark = Math.max(read, marked.at(-1) ?? -1)
    for (const index of marked) written.add(prefixes[index] ?? "")
    total.read += at(read)
    total.written += at(lastMark) - at(read)
    total.plain += at(blocks.length - 1) - at(lastMark)
  }
  const asPlain = total.plain + writePrice * total.written + readPrice * total.read
  return { ...total, asPlain: Math.round(asPlain) }
}

interface Block {
  readonly text: string
  readonly isMarked: boolean
}

/** Returns the blocks of a request in the order in which the API caches them: tools, system prompt, messages. */
function listBlocks(body: unknown): readonly Block[] {
  const { tools, system, messages } = body as {
    readonly tools: readonly object[]
    readonly system: readonly object[]
    readonly messages: readonly { readonly role: string; readonly content: readonly object[] }[]
  }
  return [
    ...tools,
    ...system,
    ...messages.flatMap(({ role, content }) => content.map((block) => ({ role, ...block }))),
  ].map((block) => {
    const { cache_control, ...rest } = block as { readonly cache_control?: object }
    return { text: JSON.stringify(rest), isMarked: cache_control !== undefined }
  })
}
