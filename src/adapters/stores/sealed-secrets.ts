import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto"
import type { Secrets } from "../../core/ports/store/secrets.ts"

const algorithm = "aes-256-gcm"
const nonceBytes = 12
const tagBytes = 16

/**
 * Returns storage that encrypts secrets with AES-256-GCM before they are stored. Each is bound to its name. `key` has
 * 32 bytes. A secret that was encrypted with another key counts as missing, and must be obtained again.
 */
export function sealSecrets(secrets: Secrets, key: Uint8Array): Secrets {
  return {
    async get(name) {
      const sealed = await secrets.get(name)
      return sealed === null ? null : open(sealed, name, key)
    },
    put: (name, value) => secrets.put(name, seal(value, name, key)),
    async replace(name, expected, value) {
      // The same value is encrypted differently each time, so the store compares the encrypted text that it has just
      // returned.
      const sealed = await secrets.get(name)
      const current = sealed === null ? null : open(sealed, name, key)
      return current === expected && secrets.replace(name, sealed, seal(value, name, key))
    },
    remove: (name) => secrets.remove(name),
  }
}

function seal(value: string, name: string, key: Uint8Array): string {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv(algorithm, key, nonce).setAAD(Buffer.from(name))
  const sealed = [nonce, cipher.update(value, "utf8"), cipher.final(), cipher.getAuthTag()]
  return Buffer.concat(sealed).toString("base64")
}

function open(sealed: string, name: string, key: Uint8Array): string | null {
  const bytes = Buffer.from(sealed, "base64")
  const text = bytes.subarray(nonceBytes, -tagBytes)
  try {
    const decipher = createDecipheriv(algorithm, key, bytes.subarray(0, nonceBytes), {
      authTagLength: tagBytes,
    })
    decipher.setAAD(Buffer.from(name)).setAuthTag(bytes.subarray(-tagBytes))
    return Buffer.concat([decipher.update(text), decipher.final()]).toString("utf8")
  } catch {
    // The record has another key, or belongs to another name.
    return null
  }
}
