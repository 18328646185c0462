import { createHash, randomBytes } from "node:crypto"
import { existsSync } from "node:fs"
import { link, readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { z } from "zod"
import { isPostgresUrl, type ResolvedStoreOptions } from "../../adapters/stores/options.ts"
import { ConfigurationError } from "../../core/errors.ts"
import { declareOptions } from "../../platform/options/declare-options.ts"
import { isMemoryStore } from "../service/open-store.ts"

export interface SecretsOptions {
  /**
   * Key that encrypts the tokens of other services in the store. It has at least 32 characters and is the same on all
   * nodes. Default: `AGENT_GATEWAY_SECRETS_KEY`, or otherwise a file `secrets.key` that is created in the data
   * directory, beside the database. Without a data directory there is no default, and features that need secrets do
   * not work.
   */
  readonly secretsKey?: string
}

export const secretsOptions = declareOptions<SecretsOptions>()({
  secretsKey: z.string().min(32).optional(),
})

/** Resolves to the key of 32 bytes. Null if there is none. Must be called after the store was opened. */
export async function resolveSecretsKey({
  secretsKey,
  store,
}: SecretsOptions & Pick<ResolvedStoreOptions, "store">): Promise<Uint8Array | null> {
  if (secretsKey !== undefined) {
    if (secretsKey.length < 32) throw new ConfigurationError("secretsKey: expected at least 32 characters.")
    return createHash("sha256").update(`ai-agent-gateway secrets\n${secretsKey}`).digest()
  }
  if (isMemoryStore(store)) return randomBytes(32)
  if (typeof store === "object" || isPostgresUrl(store)) return null
  return readKeyFile(join(store, "secrets.key"))
}

/**
 * Reads the key from its file. If several processes race for the first key, one creates it, and none can read an
 * incomplete key.
 */
async function readKeyFile(path: string): Promise<Uint8Array> {
  const draft = `${path}.${randomBytes(8).toString("hex")}`
  try {
    if (!existsSync(path)) {
      await writeFile(draft, randomBytes(32).toString("base64"), { mode: 0o600, flush: true })
      await link(draft, path)
    }
  } catch (thrown) {
    if (!(thrown instanceof Error && "code" in thrown && thrown.code === "EEXIST")) throw thrown
  } finally {
    await rm(draft, { force: true })
  }
  const key = Buffer.from(await readFile(path, "utf8"), "base64")
  if (key.length !== 32) throw new ConfigurationError(`The file ${path} does not hold a key.`)
  return key
}
