import { createParser, type EventSourceParser } from "eventsource-parser"
import type { ChatEvent } from "../../../src/wires/native/schemas/events.ts"

/** All frames of one log entry, which share its id. */
export interface Sighting {
  readonly id: number
  /** Data of the frames. */
  readonly data: readonly string[]
  readonly events: readonly ChatEvent[]
}

/** A subscriber of a session over several connections. It reconnects with the last id that it received. */
export class Viewer {
  /** The viewer receives everything after this id. */
  readonly after: number
  /** The only run that the viewer follows. Undefined for all runs of the session. */
  readonly runId: string | undefined
  readonly sightings: Sighting[] = []
  /** If true, a connection broke. */
  broken = false
  #parser: EventSourceParser = this.#newParser()
  #data: string[] = []

  constructor(after: number, runId?: string) {
    this.after = after
    this.runId = runId
  }

  get lastId(): number {
    return this.sightings.at(-1)?.id ?? this.after
  }

  /** Number of terminal events so far. */
  get ends(): number {
    return this.sightings.filter(({ events }) => events.some(isEnd)).length
  }

  /** Reads a connection until it ends or breaks, or until `leave` returns true after a frame. */
  async read(response: Response, leave: () => boolean = () => false): Promise<void> {
    const body = response.body
    if (body === null) return
    try {
      for await (const text of body.pipeThrough(new TextDecoderStream())) {
        this.#parser.feed(text)
        if (leave()) return
      }
    } catch (error) {
      // `fetch` throws a TypeError when a connection breaks.
      if (!(error instanceof TypeError)) throw error
      this.broken = true
    } finally {
      // The gateway repeats frames without an id.
      this.#data = []
      this.#parser = this.#newParser()
    }
  }

  #newParser(): EventSourceParser {
    return createParser({
      onEvent: ({ id, data }) => {
        if (id === undefined && belongsToNoEntry(JSON.parse(data))) return
        this.#data.push(data)
        if (id === undefined) return
        const events = this.#data.map((frame) => JSON.parse(frame) as ChatEvent)
        this.sightings.push({ id: Number(id), data: this.#data, events })
        this.#data = []
      },
      onError: (error) => {
        throw error
      },
    })
  }
}

function isEnd({ type }: ChatEvent): boolean {
  return type === "stream_complete" || type === "error" || type === "run_withdrawn"
}

/**
 * Returns true for events that show a momentary state, such as those of sub-agents. They have no id and are not sent
 * again.
 */
function belongsToNoEntry({ type, sub_agent_id }: ChatEvent): boolean {
  return passingTypes.includes(type) || sub_agent_id !== undefined
}

const passingTypes: readonly string[] = ["heartbeat", "run_queued", "task_progress"]
