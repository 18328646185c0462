import { createHash } from "node:crypto"
import { isLongerAsJson } from "../../../core/json/json.ts"
import type { CallRecord, ReceivedResponse } from "../../../core/ports/model/call-record.ts"
import type { EndedAttempt } from "../../../core/ports/observer.ts"
import type { KeptRequests } from "../../../core/ports/store/kept-requests.ts"
import { createRecentMap } from "../../../core/recent-cache.ts"
import { waitForNextSlice } from "../../../core/time/next-slice.ts"
import { createMask } from "../../../platform/logging/mask.ts"
import { type KeptFacts, pack } from "./kept-form.ts"
import { divideBody } from "./request-parts.ts"

/** Maximum characters of a part. In place of a longer one, such as an image, there is a note. */
const maxPartCharacters = 256 * 1024
const omitted = { omitted: "This part is longer than 256 KiB." }
/** Characters after which the event loop continues with other work. */
const sliceCharacters = 64 * 1024
/** Maximum sessions of which a process continues the series. */
const maxSeries = 50
/** A series ends after this number of parts or of their characters, or after a day. A reader needs all its parts. */
const maxParts = 5_000
const maxSeriesCharacters = 16 * 1024 * 1024
const dayMs = 24 * 60 * 60 * 1_000

export interface WriterParts {
  readonly store: KeptRequests
  /** Key of 32 bytes that encrypts. Null if there is none. */
  readonly key: Uint8Array | null
  /** Names of fields that are masked. */
  readonly redact: readonly string[]
  /** Maximum bytes of the kept requests of a session. */
  readonly sessionBytes: number
}

export interface RecordedAttempt extends EndedAttempt {
  readonly record: CallRecord
}

/** Requests of a session that share their parts. */
interface Series {
  /** Number of the first request. Null if none is stored yet. */
  readonly first: number | null
  readonly startedAt: number
  /** Characters of all parts. */
  readonly characters: number
  /**
   * Numbers of the parts, by the digests of their texts before they were masked. The store has no digest, so no one
   * can find out from it whether a known text was sent.
   */
  readonly numbers: ReadonlyMap<string, number>
}

/** Returns a function that stores an attempt. It resolves to false if the session has no room. */
export function createRequestWriter({ store, key, redact, sessionBytes }: WriterParts) {
  const mask = createMask(redact)
  const open = createRecentMap<Series>(maxSeries)

  function openSeries(sessionId: string, at: number): Series {
    const series = open.get(sessionId)
    // Whatever fails from here on ends the series.
    open.delete(sessionId)
    if (
      series !== undefined &&
      series.numbers.size < maxParts &&
      series.characters < maxSeriesCharacters &&
      at < series.startedAt + dayMs
    )
      return series
    return { first: null, startedAt: at, characters: 0, numbers: new Map() }
  }

  return async function write(attempt: RecordedAttempt): Promise<boolean> {
    const { sessionId, at, record } = attempt
    const series = openSeries(sessionId, at)
    const numbers = new Map(series.numbers)
    let { characters } = series
    const added: string[] = []
    let unslicedCharacters = 0

    /** Returns the number of a part. Masks a part that the series does not have. */
    const add = async (value: unknown): Promise<number> => {
      const text = JSON.stringify(isLongerAsJson(value, maxPartCharacters) ? omitted : value) ?? "null"
      unslicedCharacters += text.length
      if (unslicedCharacters > sliceCharacters) {
        unslicedCharacters = 0
        await waitForNextSlice()
      }
      const digest = createHash("sha256").update(text).digest("base64")
      const known = numbers.get(digest)
      if (known !== undefined) return known
      const number = numbers.size
      numbers.set(digest, number)
      characters += text.length
      added.push(JSON.stringify(mask(JSON.parse(text))))
      return number
    }

    const { runId, stepId, purpose, provider, model, code, durationMs } = attempt
    const { form, url, headers, body } = record.request
    const facts: KeptFacts = {
      ...{ runId, stepId, attempt: attempt.attempt, purpose, provider, model, code, durationMs },
      ...{ form, url: mask(url), headers: mask(headers) },
      body: await divideBody(body, add),
      response: record.response && {
        ...{ status: record.response.status, headers: mask(record.response.headers) },
        body: await add(readBody(record.response, redact.length > 0)),
      },
    }
    const id = `${stepId}.${attempt.attempt}`
    const request = {
      ...{ id, at, series: series.first },
      facts: await pack(JSON.stringify(facts), sessionId, key),
      parts: await pack(`[${added.join(",")}]`, sessionId, key),
    }
    // The store knows what other processes have stored, and what was removed.
    const bytes = (await store.bytes(sessionId)) + request.facts.length + request.parts.length
    if (bytes > sessionBytes) return false
    const number = await store.put(sessionId, request)
    if (number !== null)
      open.set(sessionId, { ...series, first: series.first ?? number, characters, numbers })
    // If the series was removed, a new one begins. Otherwise the session was removed.
    else if (series.first !== null) return write(attempt)
    return true
  }
}

/** The pieces of a stream could contain halves of a secret, so only its first event is kept if fields are masked. */
function readBody({ headers, chunks }: ReceivedResponse, isMasked: boolean): string {
  const text = Buffer.concat(chunks).toString("utf8")
  const isStream = (headers["content-type"] ?? "").startsWith("text/event-stream")
  const end = isStream && isMasked ? text.search(/\r?\n\r?\n/) : -1
  return end === -1 ? text : text.slice(0, end)
}
