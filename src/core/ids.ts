/** Makes identifiers of the form `prefix_xxxxxxxx`. Injected, so that tests are deterministic. */
export interface Ids {
  next(prefix: IdPrefix): string
}

export type IdPrefix = "sess" | "run" | "step" | "msg" | "call" | "wait" | "nonce" | "key" | "cmp"

const alphabet = "0123456789abcdefghijklmnopqrstuvwxyz"
const length = 20

/** 103 bits of randomness from the Web Crypto API in each id; safe to show, and safe as a path segment. */
export const randomIds: Ids = {
  next(prefix) {
    let id = `${prefix}_`
    while (id.length < prefix.length + 1 + length) {
      for (const byte of crypto.getRandomValues(new Uint8Array(length))) {
        // 252 is the largest multiple of 36 in a byte: higher values would favour the first digits.
        if (byte < 252 && id.length < prefix.length + 1 + length) id += alphabet[byte % 36]
      }
    }
    return id
  },
}
