import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import { MemorySaver } from "@langchain/langgraph"

/**
 * Keeps LangGraph's checkpoints in memory and in a file, so that they survive a restart. It is for demos, not for
 * many users.
 */
export class FileSaver extends MemorySaver {
  readonly #path: string

  constructor(path: string) {
    super()
    this.#path = path
    mkdirSync(dirname(path), { recursive: true })
    if (!existsSync(path)) return
    const { storage, writes } = JSON.parse(readFileSync(path, "utf8"), fromBase64)
    Object.assign(this.storage, storage)
    Object.assign(this.writes, writes)
  }

  override async put(...checkpoint: Parameters<MemorySaver["put"]>): ReturnType<MemorySaver["put"]> {
    const config = await super.put(...checkpoint)
    this.#save()
    return config
  }

  override async putWrites(...writes: Parameters<MemorySaver["putWrites"]>): Promise<void> {
    await super.putWrites(...writes)
    this.#save()
  }

  #save(): void {
    const { storage, writes } = this
    writeFileSync(`${this.#path}.new`, JSON.stringify({ storage, writes }, toBase64))
    renameSync(`${this.#path}.new`, this.#path)
  }
}

function toBase64(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? { base64: Buffer.from(value).toString("base64") } : value
}

function fromBase64(_key: string, value: unknown): unknown {
  const { base64 } = Object(value) as { readonly base64?: unknown }
  return typeof base64 === "string" ? new Uint8Array(Buffer.from(base64, "base64")) : value
}
