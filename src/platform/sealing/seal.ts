import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto"

const algorithm = "aes-256-gcm"
const nonceBytes = 12
const tagBytes = 16

/** Encrypts with AES-256-GCM, each time differently. The result is bound to the name. `key` has 32 bytes. */
export function seal(value: Uint8Array, name: string, key: Uint8Array): Buffer {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv(algorithm, key, nonce).setAAD(Buffer.from(name))
  return Buffer.concat([nonce, cipher.update(value), cipher.final(), cipher.getAuthTag()])
}

/** Decrypts a value. Null if it has another key, or belongs to another name. */
export function openSealed(sealed: Uint8Array, name: string, key: Uint8Array): Buffer | null {
  const text = sealed.subarray(nonceBytes, -tagBytes)
  try {
    const decipher = createDecipheriv(algorithm, key, sealed.subarray(0, nonceBytes), {
      authTagLength: tagBytes,
    })
    decipher.setAAD(Buffer.from(name)).setAuthTag(sealed.subarray(-tagBytes))
    return Buffer.concat([decipher.update(text), decipher.final()])
  } catch {
    // The key or the name differs.
    return null
  }
}
