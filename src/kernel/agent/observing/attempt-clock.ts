import type { CallRecord } from "../../../core/ports/model/call-record.ts"
import type { ModelRequest } from "../../../core/ports/model/provider.ts"
import type { EndedAttempt, ModelAttemptFacts } from "../../../core/ports/observer.ts"

type Key = Pick<ModelAttemptFacts, "stepId" | "attempt">

interface SentAttempt {
  readonly facts: ModelAttemptFacts
  readonly sentAt: number
  firstTokenAt: number | null
  endedAt: number | null
}

/** Measures the newest model attempt of a run in this process. Its times are not part of the log. */
export class AttemptClock {
  #sent: SentAttempt | null = null
  #record: CallRecord | null = null

  start(facts: ModelAttemptFacts): void {
    this.#record = null
    this.#sent = { facts, sentAt: performance.now(), firstTokenAt: null, endedAt: null }
  }

  /** Starts the record of the attempt. */
  startRecord(request: ModelRequest): void {
    this.#record ??= { request: { form: "gateway", url: null, headers: {}, body: request }, response: null }
  }

  /** The record of the attempt. Undefined if no observer needs it. */
  get record(): CallRecord | undefined {
    return this.#record ?? undefined
  }

  /** Returns the attempt with the milliseconds until its first token. Null if no attempt was sent. */
  noteFirstToken(): { readonly facts: ModelAttemptFacts; readonly afterMs: number } | null {
    if (this.#sent === null) return null
    this.#sent.firstTokenAt = performance.now()
    return { facts: this.#sent.facts, afterMs: this.#sent.firstTokenAt - this.#sent.sentAt }
  }

  /** Notes that the response has ended. Its event is stored a little later. */
  stop(): void {
    if (this.#sent !== null) this.#sent.endedAt = performance.now()
  }

  /** Returns the times and the record of this attempt. They are null if this process did not send it. */
  end({ stepId, attempt }: Key): Pick<EndedAttempt, "provider" | "durationMs" | "firstTokenMs" | "record"> {
    const sent = this.#sent
    if (sent === null || sent.facts.stepId !== stepId || sent.facts.attempt !== attempt)
      return { provider: null, durationMs: null, firstTokenMs: null, record: null }
    const { facts, sentAt, firstTokenAt, endedAt } = sent
    return {
      provider: facts.provider,
      durationMs: (endedAt ?? performance.now()) - sentAt,
      firstTokenMs: firstTokenAt === null ? null : firstTokenAt - sentAt,
      record: this.#record,
    }
  }
}
