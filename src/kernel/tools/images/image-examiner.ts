import { OverloadedError } from "../../../core/errors.ts"
import { createPlaces } from "../../../core/fairness/places.ts"
import type { Principal } from "../../../core/ports/store/session-log.ts"
import { rejectOnAbort } from "../../../core/time/reject-on-abort.ts"
import { keepWorker } from "../../../platform/workers/keep-worker.ts"
import { starting } from "../../../platform/workers/worker.ts"
import { type DecodeRequest, type Examined, examineHeader, examineWithoutDecoder } from "./examine.ts"

export interface ImageExaminer {
  /**
   * Examines an image. Rejects only with the reason of the signal. Null means that the decoder itself does not work.
   */
  examine(base64: string, options: ExamineOptions): Promise<Examined | null>
  close(): Promise<void>
}

export interface ExamineOptions {
  /** User whose image it is. */
  readonly owner: Principal
  /** Ends the wait for the decoder. */
  readonly signal: AbortSignal
}

export interface ExaminerOptions {
  /** Maximum milliseconds for one image. Default 20 000. */
  readonly timeoutMs?: number
  /** Milliseconds without work after which the process ends, which frees its memory. Default 30 000. */
  readonly idleMs?: number
  /** If false, images are checked but not decoded. Default: true if the package sharp is installed. */
  readonly decodes?: boolean
}

/** Maximum milliseconds to load the decoder. Loading takes half a second, and much longer on a busy machine. */
const startMs = 60_000

const slow: Examined = { type: "unusable", reason: "decoding it takes too long" }
const fatal: Examined = { type: "unusable", reason: "it crashes the decoder" }
const crowded: Examined = { type: "unusable", reason: "too many images wait for the decoder" }

/**
 * Maximum number of waiting images. Each run waits for one image at a time. The images are parts of conversations,
 * whose size is bounded.
 */
const maxWaiting = 10_000

/**
 * Decodes images one after another in a process. It starts when needed, and ends when it is idle. Tenants take turns,
 * and so do the users of a tenant, because decoding one image may take many seconds.
 */
export function createImageExaminer({
  timeoutMs = 20_000,
  idleMs = 30_000,
  decodes = hasDecoder(),
}: ExaminerOptions = {}): ImageExaminer {
  const worker = keepWorker<DecodeRequest, Examined>({
    program: "./image-program",
    startedBy: import.meta.url,
    kind: "process",
    startMs,
    phaseMs: { decoding: timeoutMs },
    heapMb: 256,
    idleMs,
  })
  const place = createPlaces({ max: 1, maxWaiting })
  let closed = false

  async function decode(request: DecodeRequest): Promise<Examined | null> {
    if (closed) return null
    const outcome = await worker.run(request)
    if (outcome.type === "reply") return outcome.reply
    if (outcome.phase === starting) return null
    return outcome.isLate ? slow : fatal
  }

  return {
    async examine(base64, { owner, signal }) {
      signal.throwIfAborted()
      const request = examineHeader(base64)
      if ("type" in request) return request
      if (!decodes) return examineWithoutDecoder(request)
      const leave = await place.enter(owner, undefined, signal).catch((error: unknown) => {
        if (error instanceof OverloadedError) return null
        throw error
      })
      return leave === null ? crowded : rejectOnAbort(signal, decode(request).finally(leave))
    },
    async close() {
      closed = true
      await worker.stop()
    },
  }
}

/** Returns true if the optional package that decodes images is installed. */
export function hasDecoder(): boolean {
  try {
    import.meta.resolve("sharp")
    return true
  } catch {
    return false
  }
}
