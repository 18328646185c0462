import type { ValueRange } from "./json-pointer.ts"

/** Maximum nesting. A deeper text is not searched. */
const maxDepth = 10_000
/** Maximum bytes of a member's name that are compared. */
const maxNameBytes = 10_000

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const colon = 0x3a
const openBracket = 0x5b
const closeBracket = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d

/** Finds one value in a JSON text that arrives in parts. */
export class PointerScanner {
  readonly #tokens: readonly string[]
  /** The open arrays and objects, outermost first. True for an object. */
  readonly #open: boolean[] = []
  /** Number of open containers on the path to the value. */
  #onWay = 0
  /** The next index of the innermost container on the path, if it is an array. */
  #index = 0
  /** If true, the innermost token identifies the next value. */
  #isNext: boolean
  #expectsName = false
  #inString = false
  #isEscaped = false
  /** The bytes of a name that may match. Null if the string is not a name. */
  #name: number[] | null = null
  #inLiteral = false
  #start: number | null = null
  #end: number | null = null
  #failed = false

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens
    this.#isNext = true
  }

  /** Returns true if no further parts are needed. */
  push(bytes: Uint8Array, start: number): boolean {
    for (let at = 0; at < bytes.length; at++) {
      this.#scan(bytes[at] ?? 0, start + at)
      if (this.#end !== null || this.#failed) return true
    }
    return false
  }

  end(length: number): ValueRange | null {
    if (this.#failed || this.#start === null) return null
    if (this.#end !== null) return { start: this.#start, end: this.#end }
    return this.#inLiteral && this.#open.length === 0 ? { start: this.#start, end: length } : null
  }

  #scan(byte: number, at: number): void {
    if (this.#inString) {
      this.#scanString(byte, at)
      return
    }
    if (this.#inLiteral && !isDelimiter(byte)) return
    if (this.#inLiteral) this.#endValue(at, this.#open.length)
    if (this.#end !== null || isSpace(byte)) return
    switch (byte) {
      case quote:
        this.#inString = true
        if (this.#expectsName) this.#name = this.#isOnWay() ? [] : null
        else this.#beginValue(at)
        return
      case openBrace:
      case openBracket:
        this.#beginValue(at)
        this.#push(byte === openBrace)
        return
      case closeBrace:
      case closeBracket:
        this.#pop(at)
        return
      case comma:
        this.#nextMember()
        return
      case colon:
        this.#expectsName = false
        return
      default:
        this.#beginValue(at)
        this.#inLiteral = true
    }
  }

  #scanString(byte: number, at: number): void {
    if (this.#isEscaped) this.#isEscaped = false
    else if (byte === backslash) this.#isEscaped = true
    else if (byte === quote) {
      this.#inString = false
      if (this.#expectsName) this.#endName()
      else this.#endValue(at + 1, this.#open.length)
      return
    }
    if (this.#name !== null && this.#name.length < maxNameBytes) this.#name.push(byte)
  }

  #endName(): void {
    if (this.#name === null) return
    const token = this.#tokens[this.#onWay - 1]
    this.#isNext = token !== undefined && unescapeName(Buffer.from(this.#name)) === token
    this.#name = null
  }

  /** Returns true if the innermost open container is on the path. */
  #isOnWay(): boolean {
    return this.#open.length === this.#onWay && this.#onWay > 0
  }

  #beginValue(at: number): void {
    if (this.#start !== null || !this.#isNext) return
    if (this.#open.length === this.#onWay && this.#onWay === this.#tokens.length) this.#start = at
  }

  #endValue(at: number, depth: number): void {
    this.#inLiteral = false
    if (this.#start !== null && depth === this.#onWay) this.#end = at
    // The value that a token identifies is not a container.
    else if (this.#isNext && depth === this.#onWay) this.#failed = true
  }

  #push(isObject: boolean): void {
    if (this.#isNext && this.#start === null && this.#open.length === this.#onWay) {
      this.#onWay += 1
      this.#index = 0
      this.#isNext = !isObject && this.#tokens[this.#onWay - 1] === "0"
    }
    this.#open.push(isObject)
    this.#expectsName = isObject
    if (this.#open.length > maxDepth) this.#failed = true
  }

  #pop(at: number): void {
    this.#open.pop()
    this.#expectsName = false
    if (this.#start !== null) this.#endValue(at + 1, this.#open.length)
    // The last container on the path ends without the value.
    else if (this.#open.length < this.#onWay) this.#failed = true
  }

  #nextMember(): void {
    const isObject = this.#open.at(-1) === true
    this.#expectsName = isObject
    if (!this.#isOnWay() || this.#start !== null) return
    this.#index += 1
    this.#isNext = !isObject && this.#tokens[this.#onWay - 1] === String(this.#index)
  }
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)
}

function isDelimiter(byte: number): boolean {
  return byte === comma || byte === closeBrace || byte === closeBracket || isSpace(byte)
}

function unescapeName(name: Buffer): string | null {
  try {
    return JSON.parse(`"${name.toString("utf8")}"`)
  } catch {
    // The text is not JSON, so it has no such member.
    return null
  }
}
