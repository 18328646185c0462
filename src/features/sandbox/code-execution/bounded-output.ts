/** The beginning and the end of a stream of any length. */
export interface BoundedOutput {
  push(bytes: Uint8Array): void
  readonly bytes: number
  /** Bytes of memory in use. */
  readonly held: number
  /** Returns at most about `maxBytes` of UTF-8, with a line that reports how much was left out in the middle. */
  text(maxBytes: number): string
  truncated(maxBytes: number): boolean
}

/** Holds at most `maxBytes`, and no more than necessary: one half from the beginning, the other from the end. */
export function createBoundedOutput(maxBytes: number): BoundedOutput {
  const half = Math.ceil(maxBytes / 2)
  let head = Buffer.alloc(0)
  /** The end of the stream, as a ring buffer. */
  let ring = Buffer.alloc(0)
  let total = 0

  function makeRoom(bytes: number): void {
    if (bytes <= head.length) return
    // It has its own memory. Small results of `Buffer.concat` share a slab, and one of them would keep all of it.
    const larger = Buffer.alloc(Math.min(half, Math.max(bytes, 2 * head.length)))
    larger.set(head)
    head = larger
  }

  function push(bytes: Uint8Array): void {
    const intoHead = bytes.subarray(0, Math.max(0, half - total))
    makeRoom(Math.min(half, total + intoHead.length))
    head.set(intoHead, Math.min(total, half))
    const rest = bytes.subarray(intoHead.length)
    const kept = rest.subarray(Math.max(0, rest.length - half))
    const at = (total + bytes.length - half - kept.length) % half
    if (kept.length > 0) {
      if (ring.length === 0) ring = Buffer.alloc(half)
      const beforeWrap = kept.subarray(0, half - at)
      ring.set(beforeWrap, at)
      ring.set(kept.subarray(beforeWrap.length), 0)
    }
    total += bytes.length
  }

  function tail(): Buffer {
    const pushed = Math.max(0, total - half)
    if (pushed <= half) return ring.subarray(0, pushed)
    const start = pushed % half
    return Buffer.concat([ring.subarray(start), ring.subarray(0, start)])
  }

  return {
    push,
    get bytes() {
      return total
    },
    get held() {
      return head.length + ring.length
    },
    truncated: (limit) => total > Math.min(limit, 2 * half),
    text(limit) {
      const keptBytes = Buffer.concat([head.subarray(0, Math.min(total, half)), tail()])
      if (total <= Math.min(limit, keptBytes.length)) return new TextDecoder().decode(keptBytes)
      const part = Math.min(half, Math.floor(limit / 2))
      const left = total - 2 * part
      const start = new TextDecoder().decode(keptBytes.subarray(0, part), { stream: true })
      return `${start}\n[${left} bytes are left out here.]\n${decodeEnd(keptBytes.subarray(keptBytes.length - part))}`
    },
  }
}

/** Skips the rest of a character whose beginning is missing. */
function decodeEnd(bytes: Uint8Array): string {
  const start = bytes.findIndex((byte) => (byte & 0xc0) !== 0x80)
  return new TextDecoder().decode(bytes.subarray(Math.max(0, start)))
}
