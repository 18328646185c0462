import { listImages } from "../../core/history/images.ts"
import type { Message, ModelPart } from "../../core/history/messages.ts"
import { isLargeJson, type ReplaceValue, toJsonPieces } from "../../core/json/json-pieces.ts"
import type { ModelRequest } from "../../core/ports/model/provider.ts"
import { waitForNextSlice } from "../../core/time/next-slice.ts"
import type { Usage } from "../../core/usage.ts"

/**
 * English and code have about four bytes a token, other scripts about three. The lower value gives the higher
 * estimate.
 */
const bytesPerToken = 3
/** Higher than any provider's count for an image of its maximum size. */
const tokensPerImage = 5_000
/** No tokenizer has tokens with more bytes on average, except for long runs of spaces. */
const mostBytesPerToken = 12
/** Bytes of a token of plain English. Other text has fewer. */
const usualBytesPerToken = 4
/** Number of bytes of messages to count in one turn of the event loop (rule 15). */
const sliceBytes = 256 * 1024

/** The bytes of messages that were counted before, so that each message is counted once in its conversation. */
export type KnownBytes = WeakMap<Message, number>

/** Returns a high estimate of the tokens of a text with this number of bytes. */
function estimateTokensOfBytes(bytes: number): number {
  return Math.ceil(bytes / bytesPerToken)
}

/**
 * Resolves to a high estimate of the tokens of a value as JSON. `messages` are the messages in it. Counts a large value
 * in slices, so that the event loop can continue (rule 15).
 */
export async function estimateTokens(value: unknown, messages: readonly Message[]): Promise<number> {
  const images = listImages(messages)
  const ignored = new Set<unknown>(images)
  const bytes = await countJsonBytes(value, (_key, part) => (ignored.has(part) ? null : part))
  return estimateTokensOfBytes(bytes) + images.length * tokensPerImage
}

/** Resolves to a high estimate of the input tokens of the request. */
export async function estimateInput(
  request: ModelRequest,
  known: KnownBytes = new WeakMap(),
): Promise<number> {
  const images = listImages(request.messages)
  const ignored = new Set<unknown>(images)
  const bytes = await countInputBytes(request, {
    replace: (_key, value) => (ignored.has(value) ? null : value),
    known,
  })
  return estimateTokensOfBytes(bytes) + images.length * tokensPerImage
}

/**
 * Resolves to the bytes of the request that certainly count as tokens. Excludes data that only one provider
 * understands: providers drop old reasoning, and encrypted reasoning has many bytes a token.
 */
export function countPlainBytes(
  { outputSchema: _, ...request }: ModelRequest,
  known: KnownBytes = new WeakMap(),
): Promise<number> {
  const ignored = new Set<unknown>(listImages(request.messages))
  const isLeftOut = (key: string, value: unknown) => key === "vendor" || ignored.has(value)
  return countInputBytes(request, {
    replace: (key, value) => (isLeftOut(key, value) ? null : value),
    known,
  })
}

/**
 * Counts the schema twice, because it may be sent in the prompt and as the required format. Counts a long
 * conversation in slices, so that the event loop can continue (rule 15).
 */
async function countInputBytes(
  { system, messages, tools, outputSchema }: ModelRequest,
  { replace, known }: { readonly replace: ReplaceValue; readonly known: KnownBytes },
): Promise<number> {
  let bytes = await countJsonBytes([system, tools, outputSchema], replace)
  let inSlice = bytes
  for (const message of messages) {
    const before = known.get(message)
    if (before !== undefined) {
      bytes += before
      continue
    }
    if (inSlice >= sliceBytes || isLargeJson(message)) {
      await waitForNextSlice()
      inSlice = 0
    }
    const size = await countJsonBytes(message, replace)
    known.set(message, size)
    bytes += size
    inSlice += size
  }
  return bytes
}

/** Resolves to the bytes of the value as JSON. Makes a large text in slices, and keeps none of them. */
async function countJsonBytes(value: unknown, replace: ReplaceValue): Promise<number> {
  let bytes = 0
  for (const piece of toJsonPieces(value, replace)) {
    if (bytes > 0) await waitForNextSlice()
    bytes += Buffer.byteLength(piece)
  }
  return bytes
}

/** Returns the bytes of the model's output. */
export function countOutputBytes(content: readonly ModelPart[]): number {
  let bytes = 0
  for (const part of content) {
    if (part.type === "text" || part.type === "thinking") bytes += Buffer.byteLength(part.text)
    if (part.type === "toolCall")
      bytes += Buffer.byteLength(part.malformedInput ?? JSON.stringify(part.input))
  }
  return bytes
}

export interface CountedUsage {
  readonly usage: Usage
  /**
   * The usage that counts against a budget. It is at least the usual token count for the number of transferred bytes.
   */
  readonly charged: Usage
  /** If true, some of the counts are the gateway's estimate. */
  readonly estimated: boolean
}

export interface Evidence {
  readonly outputBytes: number
  /** Called only if necessary. */
  readonly inputTokens: () => Promise<number>
  /**
   * Returns the bytes of plain input, which certainly count as tokens. Null if the provider's count of the input is
   * not checked.
   */
  readonly plainInputBytes: (() => Promise<number>) | null
}

/**
 * Returns the reported usage as far as it is plausible. An estimate replaces counts that are missing, not numbers, or
 * far too low for the transferred bytes. Counts that are too high are accepted, and so are counts of cached tokens.
 */
export async function countUsage(reported: Usage | null, evidence: Evidence): Promise<CountedUsage> {
  const {
    inputTokens: input,
    outputTokens: output,
    cacheCreationInputTokens,
    cacheReadInputTokens,
  } = {
    ...nothing,
    ...reported,
  }
  const cached = count(cacheCreationInputTokens) + count(cacheReadInputTokens)
  const leastOutput = evidence.outputBytes / mostBytesPerToken
  const outputIsFine = isCount(output) && output >= leastOutput
  const plainInputBytes = (await evidence.plainInputBytes?.()) ?? 0
  const inputIsFine =
    isCount(input) && input + cached > 0 && input + cached >= plainInputBytes / mostBytesPerToken
  const usage: Usage = {
    inputTokens: inputIsFine ? input : Math.max(0, (await evidence.inputTokens()) - cached),
    outputTokens: outputIsFine ? output : estimateTokensOfBytes(evidence.outputBytes),
    cacheCreationInputTokens: count(cacheCreationInputTokens),
    cacheReadInputTokens: count(cacheReadInputTokens),
  }
  const usualInput = Math.ceil(plainInputBytes / usualBytesPerToken) - cached
  const usualOutput = Math.ceil(evidence.outputBytes / usualBytesPerToken)
  const charged: Usage = {
    ...usage,
    inputTokens: Math.max(usage.inputTokens, usualInput),
    outputTokens: Math.max(usage.outputTokens, usualOutput),
  }
  return { usage, charged, estimated: !inputIsFine || !outputIsFine }
}

const nothing = {
  inputTokens: Number.NaN,
  outputTokens: Number.NaN,
  cacheCreationInputTokens: 0,
  cacheReadInputTokens: 0,
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

function count(value: number): number {
  return isCount(value) ? value : 0
}
