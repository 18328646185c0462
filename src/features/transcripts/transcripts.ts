import { createHash } from "node:crypto"
import { existsSync, mkdirSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { ConfigurationError, toError } from "../../core/errors.ts"
import { stringifyInSlices } from "../../core/json/json-pieces.ts"
import type { Event, EventEntry } from "../../core/log/entries.ts"
import { toEventId } from "../../core/log/event-id.ts"
import type { Subscriber } from "../../core/ports/store/subscriptions.ts"
import { appendLines, type TranscriptFileOptions } from "./transcript-file.ts"

export interface TranscriptsOptions extends Partial<TranscriptFileOptions> {
  readonly directory: string
  /** Returns the event to write. Default: the event itself. */
  readonly show?: (event: Event) => Event
}

const defaultMaxBytes = 10_000_000
/** Maximum milliseconds of a write, because a disk may hang. */
const timeoutMs = 10_000

/**
 * Writes the events of each session to a separate file, one JSON object on each line. Creates the directory. Throws a
 * `ConfigurationError` if it cannot be created.
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
      for (const entry of entries) lines += await formatLine(sessionId, entry, show)
      makePrivateDirectory(directory)
      await appendLines(join(directory, toFileName(sessionId)), lines, { maxBytes, sync })
    },
    async onGap({ sessionId, afterSeq }) {
      const line = JSON.stringify({ type: "gap", sessionId, afterSeq })
      await appendLines(join(directory, toFileName(sessionId)), `${line}\n`, { maxBytes, sync })
    },
  }
}

async function formatLine(
  sessionId: string,
  { seq, at, runId, v, event }: EventEntry,
  show: (event: Event) => Event,
): Promise<string> {
  const id = toEventId(sessionId, seq)
  const line = { type: "event", id, sessionId, seq, at, runId, v, event: removeNonce(show(event)) }
  return `${await stringifyInSlices(line)}\n`
}

/** Returns the event without its nonce, because a reader with the nonce of an open wait may answer it. */
function removeNonce(event: Event): object {
  if (!("nonce" in event)) return event
  const { nonce: _, ...rest } = event
  return rest
}

/**
 * Returns the file's name. Session ids may come from a custom store, and must not name a file elsewhere, or that of
 * another session.
 */
function toFileName(sessionId: string): string {
  const isSafe = /^[a-z\d]+_[a-z\d]{1,64}$/.test(sessionId)
  return `${isSafe ? sessionId : `sha256-${createHash("sha256").update(sessionId).digest("hex")}`}.jsonl`
}

/**
 * Creates a directory. Node's own `recursive` never returns in file systems that report ENOENT for every new
 * directory, such as /proc.
 */
function makePrivateDirectory(path: string): void {
  if (existsSync(path)) return
  makePrivateDirectory(dirname(path))
  try {
    mkdirSync(path, 0o700)
  } catch (error) {
    if (!existsSync(path)) throw error
  }
}
