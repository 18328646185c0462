import { listImages } from "../../../core/history/images.ts"
import type { Message, ModelPart, VendorData } from "../../../core/history/messages.ts"
import { isLargeJson, type ReplaceValue, toJsonPieces } from "../../../core/json/json-pieces.ts"
import type { ModelRequest } from "../../../core/ports/model/provider.ts"
import { waitForNextSlice } from "../../../core/time/next-slice.ts"
import type { Usage } from "../../../core/usage.ts"

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
/** Number of bytes of messages to measure in one turn of the event loop (rule 15). */
const sliceBytes = 256 * 1024
/** Number of bytes that take as long to measure as a message takes apart from its bytes. */
const messageCost = 512

/** The size of a message as JSON without its images, which count by their number. */
export interface MessageSize {
  readonly bytes: number
  /** The bytes without data that only one provider understands. */
  readonly plainBytes: number
  readonly images: number
}

/** The sizes of messages that were measured before, so that each message is measured once in its conversation. */
export type KnownSizes = WeakMap<Message, MessageSize>

/** Returns a high estimate of the tokens of a value with this size. */
export function estimateTokens({ bytes, images }: Pick<MessageSize, "bytes" | "images">): number {
  return Math.ceil(bytes / bytesPerToken) + images * tokensPerImage
}

/** Resolves to a high estimate of the input tokens of the request. */
export async function estimateInput(
  { system, messages, tools, outputSchema }: ModelRequest,
  known: KnownSizes = new WeakMap(),
): Promise<number> {
  // The schema counts twice, because it may be sent in the prompt and as the required format.
  const fixedBytes = await countJsonBytes([system, tools, outputSchema])
  const { bytes, images } = await measureMessages(messages, known)
  return estimateTokens({ bytes: fixedBytes + bytes, images })
}

/**
 * Resolves to the bytes of the request that certainly count as tokens. Excludes data that only one provider
 * understands: providers drop old reasoning, and encrypted reasoning has many bytes a token.
 */
export async function countPlainBytes(
  { system, messages, tools }: ModelRequest,
  known: KnownSizes = new WeakMap(),
): Promise<number> {
  const fixedBytes = await countJsonBytes([system, tools])
  const { plainBytes } = await measureMessages(messages, known)
  return fixedBytes + plainBytes
}

/**
 * Resolves to the sum of the sizes. Measures a long conversation in slices, so that the event loop can continue
 * (rule 15).
 */
export async function measureMessages(messages: readonly Message[], known: KnownSizes): Promise<MessageSize> {
  let [bytes, plainBytes, images] = [0, 0, 0]
  let inSlice = 0
  for (const message of messages) {
    let size = known.get(message)
    if (size === undefined) {
      if (inSlice >= sliceBytes || isLargeJson(message)) {
        await waitForNextSlice()
        inSlice = 0
      }
      size = await measureMessage(message)
      known.set(message, size)
      inSlice += size.bytes + messageCost
    }
    bytes += size.bytes
    plainBytes += size.plainBytes
    images += size.images
  }
  return { bytes, plainBytes, images }
}

async function measureMessage(message: Message): Promise<MessageSize> {
  const images = listImages([message])
  const ignored = new Set<unknown>(images)
  const bytes = await countJsonBytes(
    message,
    images.length === 0 ? undefined : (_key, part) => (ignored.has(part) ? null : part),
  )
  let plainBytes = bytes
  for (const vendor of listVendorData(message)) plainBytes -= await countJsonBytes(vendor)
  return { bytes, plainBytes, images: images.length }
}

function listVendorData(message: Message): readonly VendorData[] {
  if (message.role !== "assistant") return []
  return message.content.flatMap(({ vendor }) => vendor ?? [])
}

/** Resolves to the bytes of the value as JSON. Makes a large text in slices, and keeps none of them. */
export async function countJsonBytes(value: unknown, replace?: ReplaceValue): Promise<number> {
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
    reasoningTokens,
  }: Usage = {
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
    outputTokens: outputIsFine ? output : estimateTokens({ bytes: evidence.outputBytes, images: 0 }),
    cacheCreationInputTokens: count(cacheCreationInputTokens),
    cacheReadInputTokens: count(cacheReadInputTokens),
    ...(reasoningTokens !== undefined &&
      outputIsFine && { reasoningTokens: Math.min(count(reasoningTokens), output) }),
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
