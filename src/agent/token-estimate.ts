import type { ModelPart } from "../core/messages.ts"
import type { ModelRequest } from "../core/ports/provider.ts"
import type { Usage } from "../core/usage.ts"

/** English and code have about four bytes a token, other scripts about three: this errs on the dear side. */
const bytesPerToken = 3
/** More than any service counts for an image of its largest size. */
const tokensPerImage = 5_000
/** No tokenizer makes fewer tokens of so many bytes, but for long runs of blanks. */
const mostBytesPerToken = 12

/** Tokens that a text of so many bytes has, at a guess that is rather too high. */
function estimateTokens(bytes: number): number {
  return Math.ceil(bytes / bytesPerToken)
}

/** Input tokens of the request, at a guess that is rather too high. */
export function estimateInput({ system, messages, tools }: ModelRequest): number {
  let images = 0
  const text = JSON.stringify([system, messages, tools], (_key, value: unknown) => {
    if (!isImage(value)) return value
    images++
    return null
  })
  return estimateTokens(Buffer.byteLength(text)) + images * tokensPerImage
}

function isImage(value: unknown): boolean {
  return typeof value === "object" && value !== null && "type" in value && value.type === "image"
}

/** Bytes of what the model wrote. */
export function bytesOf(content: readonly ModelPart[]): number {
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
  /** Whether any of it is the gateway's estimate. */
  readonly estimated: boolean
}

export interface Evidence {
  readonly outputBytes: number
  /** Asked only when there is need. */
  readonly inputTokens: () => number
  /** Whether the service's word on the input is checked too, which takes a look at the whole request. */
  readonly checkInput: boolean
}

/**
 * What a service reports, as far as it can be: counts that are missing, no numbers, or far below what went over the wire
 * are replaced by an estimate. Too high a count is believed.
 */
export function countUsage(reported: Usage | null, evidence: Evidence): CountedUsage {
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
  const inputIsFine =
    isCount(input) && input + cached > 0 && !(evidence.checkInput && isTooLow(input + cached, evidence))
  return {
    usage: {
      inputTokens: inputIsFine ? input : Math.max(0, evidence.inputTokens() - cached),
      outputTokens: outputIsFine ? output : estimateTokens(evidence.outputBytes),
      cacheCreationInputTokens: count(cacheCreationInputTokens),
      cacheReadInputTokens: count(cacheReadInputTokens),
    },
    estimated: !inputIsFine || !outputIsFine,
  }
}

const nothing = {
  inputTokens: Number.NaN,
  outputTokens: Number.NaN,
  cacheCreationInputTokens: 0,
  cacheReadInputTokens: 0,
}

function isTooLow(reported: number, { inputTokens }: Evidence): boolean {
  return reported < (inputTokens() * bytesPerToken) / mostBytesPerToken
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

function count(value: number): number {
  return isCount(value) ? value : 0
}
