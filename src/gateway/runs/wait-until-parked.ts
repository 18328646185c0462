import type { LiveEntry } from "../../core/log/entries.ts"
import type { Directory, DirectoryCursor } from "../../core/ports/store/directory.ts"
import { sleep } from "../../core/time/sleep.ts"
import type { Sessions } from "../../kernel/sessions/sessions.ts"

/** Milliseconds between two checks of a run that waits for a person while it still does other work. */
const pollMs = 200

export interface ParkedParts {
  readonly sessions: Sessions
  readonly directory: Directory
}

/** Tracks the calls of a run that have no result yet. */
export class UnfinishedCalls {
  readonly #calls = new Set<string>()

  see(entry: LiveEntry): void {
    if (entry.kind !== "event") return
    const { event } = entry
    if (event.type === "toolCallRequested") this.#calls.add(event.toolCallId)
    if (event.type === "toolCallCompleted" || event.type === "toolCallInterrupted")
      this.#calls.delete(event.toolCallId)
  }

  get ids(): readonly string[] {
    return [...this.#calls]
  }
}

/** Resolves when the run and the sessions that work for it wait only for people, or when the signal aborts. */
export async function waitUntilParked(
  parts: ParkedParts,
  sessionId: string,
  { calls, signal }: { readonly calls: UnfinishedCalls; readonly signal: AbortSignal },
): Promise<boolean> {
  while (!signal.aborted) {
    if (await waitsForPeople(parts, sessionId, calls)) return true
    await sleep(pollMs, signal)
  }
  return false
}

async function waitsForPeople(
  { sessions, directory }: ParkedParts,
  sessionId: string,
  calls: UnfinishedCalls,
): Promise<boolean> {
  const waits = await sessions.openWaits({ sessionId })
  if (!waits.some(({ kind }) => kind === "approval" || kind === "elicitation")) return false
  const waiting = new Set(waits.map(({ toolCallId }) => toolCallId))
  if (calls.ids.some((id) => !waiting.has(id))) return false
  return !(await isTreeBusy(directory, sessionId))
}

async function isTreeBusy(directory: Directory, rootId: string): Promise<boolean> {
  let after: DirectoryCursor | undefined
  do {
    const page = await directory.sessions({
      rootId,
      states: ["running", "queued"],
      limit: 1,
      ...(after !== undefined && { after }),
    })
    if (page.items.length > 0) return true
    after = page.next ?? undefined
  } while (after !== undefined)
  return false
}
