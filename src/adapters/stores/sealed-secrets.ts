import type { Secrets } from "../../core/ports/store/secrets.ts"
import { openSealed, seal } from "../../platform/sealing/seal.ts"

/**
 * Returns storage that encrypts secrets with AES-256-GCM before they are stored. Each is bound to its name. `key` has
 * 32 bytes. A secret that was encrypted with another key counts as missing, and must be obtained again.
 */
export function sealSecrets(secrets: Secrets, key: Uint8Array): Secrets {
  return {
    async get(name) {
      const sealed = await secrets.get(name)
      return sealed === null ? null : openText(sealed, name, key)
    },
    put: (name, value) => secrets.put(name, sealText(value, name, key)),
    async replace(name, expected, value) {
      // The same value is encrypted differently each time, so the store compares the encrypted text that it has just
      // returned.
      const sealed = await secrets.get(name)
      const current = sealed === null ? null : openText(sealed, name, key)
      return current === expected && secrets.replace(name, sealed, sealText(value, name, key))
    },
    remove: (name) => secrets.remove(name),
  }
}

function sealText(value: string, name: string, key: Uint8Array): string {
  return seal(Buffer.from(value), name, key).toString("base64")
}

function openText(sealed: string, name: string, key: Uint8Array): string | null {
  return openSealed(Buffer.from(sealed, "base64"), name, key)?.toString("utf8") ?? null
}
