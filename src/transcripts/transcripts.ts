import { createHash } from "node:crypto"
import { existsSync, mkdirSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { ConfigurationError, toError } from "../core/errors.ts"
import { stringifyInSlices } from "../core/json/json-pieces.ts"
import type { Event, EventEntry } from "../core/log/entries.ts"
import { eventId } from "../core/log/event-id.ts"
import type { Subscriber } from "../core/ports/subscriptions.ts"
import { appendLines, type TranscriptFileOptions } from "./transcript-file.ts"

export interface TranscriptsOptions extends Partial<TranscriptFileOptions> {
  readonly directory: string
  /** Returns the event as it is written. Default: as it is. */
  readonly show?: (event: Event) => Event
}

const defaultMaxBytes = 10_000_000
/** A disk that hangs is given up for a time. */
const timeoutMs = 10_000

/**
 * Writes the events of each session to a file of its own, one JSON object a line. Creates the directory; throws a
 * `ConfigurationError` if that cannot be done.
 */
export function createTranscripts(options: TranscriptsOptions): Subscriber {
  const { show = (event) => event, maxBytes = defaultMaxBytes, sync = false } = options
  const directory = resolve(options.directory)
  try {
    makePrivateDirectory(directory)
  } catch (error) {
    const reason = toError(error).message
    throw new ConfigurationError(`transcriptDir: ${directory} cannot be created (${reason}).`, {
      cause: error,
    })
  }
  return {
    name: "transcripts",
    timeoutMs,
    async onEvents({ sessionId, entries }) {
      let lines = ""
      for (const entry of entries) lines += await lineOf(sessionId, entry, show)
      makePrivateDirectory(directory)
      await appendLines(join(directory, fileName(sessionId)), lines, { maxBytes, sync })
    },
    async onGap({ sessionId, afterSeq }) {
      const line = JSON.stringify({ type: "gap", sessionId, afterSeq })
      await appendLines(join(directory, fileName(sessionId)), `${line}\n`, { maxBytes, sync })
    },
  }
}

async function lineOf(
  sessionId: string,
  { seq, at, runId, v, event }: EventEntry,
  show: (event: Event) => Event,
): Promise<string> {
  const id = eventId(sessionId, seq)
  return `${await stringifyInSlices({ type: "event", id, sessionId, seq, at, runId, v, event: withoutNonce(show(event)) })}\n`
}

/** Returns the event without its nonce: a reader who knows the nonce of an open wait may answer it. */
function withoutNonce(event: Event): object {
  if (!("nonce" in event)) return event
  const { nonce: _, ...rest } = event
  return rest
}

/** Session ids may come from a store of one's own: none may name a file elsewhere, or another session's. */
function fileName(sessionId: string): string {
  const isSafe = /^[a-z\d]+_[a-z\d]{1,64}$/.test(sessionId)
  return `${isSafe ? sessionId : `sha256-${createHash("sha256").update(sessionId).digest("hex")}`}.jsonl`
}

/** Node's own `recursive` never returns in file systems that answer ENOENT to every new directory, such as /proc. */
function makePrivateDirectory(path: string): void {
  if (existsSync(path)) return
  makePrivateDirectory(dirname(path))
  try {
    mkdirSync(path, 0o700)
  } catch (error) {
    if (!existsSync(path)) throw error
  }
}
