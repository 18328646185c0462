import { createHash, randomBytes } from "node:crypto"
import { existsSync } from "node:fs"
import { link, readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { z } from "zod"
import { ConfigurationError } from "../../core/errors.ts"
import { declareOptions } from "../../options/declare-options.ts"
import { isPostgresUrl, type ResolvedStoreOptions } from "../../stores/options.ts"

export interface SecretsOptions {
  /**
   * Seals the tokens of other services in the store; at least 32 characters, the same on all nodes. Default:
   * `AGENT_GATEWAY_SECRETS_KEY`, else a file `secrets.key` made in the data directory, beside the database. Without a
   * data directory there is no default, and nothing that needs secrets works.
   */
  readonly secretsKey?: string
}

export const secretsOptions = declareOptions<SecretsOptions>()({
  secretsKey: z.string().min(32).optional(),
})

/** 32 bytes; null when there are none. To be asked for once the store is open. */
export async function secretsKey({
  secretsKey,
  store,
}: SecretsOptions & Pick<ResolvedStoreOptions, "store">): Promise<Uint8Array | null> {
  if (secretsKey !== undefined) {
    if (secretsKey.length < 32) throw new ConfigurationError("secretsKey: expected at least 32 characters.")
    return createHash("sha256").update(`ai-agent-gateway secrets\n${secretsKey}`).digest()
  }
  if (store === "memory") return randomBytes(32)
  if (typeof store === "object" || isPostgresUrl(store)) return null
  return keyInFile(join(store, "secrets.key"))
}

/**
 * Reads the key from its file. Of processes that race for the first key one makes it; none can see half of it.
 */
async function keyInFile(path: string): Promise<Uint8Array> {
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
