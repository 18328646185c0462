/** The last bytes of a stream, as text. */
export interface Tail {
  push(bytes: Uint8Array): void
  text(): string
}

export function createTail(maxBytes: number): Tail {
  let kept = new Uint8Array()
  return {
    push(bytes) {
      if (bytes.length >= maxBytes) kept = bytes.slice(bytes.length - maxBytes)
      else kept = Buffer.concat([kept.subarray(Math.max(0, kept.length + bytes.length - maxBytes)), bytes])
    },
    text: () => new TextDecoder().decode(kept),
  }
}
