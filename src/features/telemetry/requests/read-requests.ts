import type { Json } from "../../../core/json/json.ts"
import type { KeptRequest, KeptRequests } from "../../../core/ports/store/kept-requests.ts"
import { type AttemptFacts, type KeptFacts, unpack } from "./kept-form.ts"
import { joinBody } from "./request-parts.ts"

export interface ListedAttempt extends AttemptFacts {
  readonly id: string
  readonly at: number
}

export interface ShownAttempt extends ListedAttempt {
  readonly body: Json
  readonly response: {
    readonly status: number
    readonly headers: Readonly<Record<string, string>>
    readonly body: string
  } | null
}

/** Reads requests that the gateway kept. */
export interface RequestReader {
  /** Resolves to the newest attempts of a session whose requests are kept, newest first. */
  list(sessionId: string): Promise<readonly ListedAttempt[]>
  /** Resolves to the newest attempt without an id. Resolves to null if it is not kept, or has another key. */
  show(sessionId: string, id: string | undefined): Promise<ShownAttempt | null>
}

const maxListed = 200

/** `key` decrypts. Null if there is none. */
export function createRequestReader(store: KeptRequests, key: Uint8Array | null): RequestReader {
  async function readFacts(sessionId: string, { facts }: KeptRequest): Promise<KeptFacts | null> {
    // Only this version of the package writes facts, and each has all members.
    return (await unpack(facts, sessionId, key)) as unknown as KeptFacts | null
  }
  return {
    async list(sessionId) {
      const listed: ListedAttempt[] = []
      for (const kept of await store.list(sessionId, { limit: maxListed })) {
        const facts = await readFacts(sessionId, kept)
        if (facts !== null) listed.push({ ...facts, id: kept.id, at: kept.at })
      }
      return listed
    },
    async show(sessionId, id) {
      const [kept] = await store.list(sessionId, { id, limit: 1 })
      const facts = kept === undefined ? null : await readFacts(sessionId, kept)
      if (kept === undefined || facts === null) return null
      const parts: Json[] = []
      for (const packed of await store.parts(sessionId, kept)) {
        parts.push(...((await unpack(packed, sessionId, key)) as readonly Json[]))
      }
      if (parts.length === 0) return null
      const { response } = facts
      return {
        ...facts,
        id: kept.id,
        at: kept.at,
        body: joinBody(facts.body, parts),
        response: response && { ...response, body: String(parts[response.body]) },
      }
    },
  }
}
