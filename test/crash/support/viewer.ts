import { createParser, type EventSourceParser } from "eventsource-parser"
import type { ChatEvent } from "../../../src/http/schemas/events.ts"

/** All frames of one log entry: what its id stands for. */
export interface Sighting {
  readonly id: number
  /** The frames' bytes. */
  readonly data: readonly string[]
  readonly events: readonly ChatEvent[]
}

/** One client's eye on a session, over any number of connections: comes back with the last id that it saw. */
export class Viewer {
  /** It is shown all that follows this. */
  readonly after: number
  /** The only run that it is shown; undefined for all of the session. */
  readonly runId: string | undefined
  readonly sightings: Sighting[] = []
  /** If true, a connection broke under it. */
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

  /** Ends of runs seen. */
  get ends(): number {
    return this.sightings.filter(({ events }) => events.some(isEnd)).length
  }

  /** Reads a connection to its end, its break, or until `leave` says so after some frame. */
  async read(response: Response, leave: () => boolean = () => false): Promise<void> {
    const body = response.body
    if (body === null) return
    try {
      for await (const text of body.pipeThrough(new TextDecoderStream())) {
        this.#parser.feed(text)
        if (leave()) return
      }
    } catch (error) {
      // How fetch tells that a connection broke.
      if (!(error instanceof TypeError)) throw error
      this.broken = true
    } finally {
      // Frames without their entry's id come again.
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

/** Events that show a state of the moment, such as those of sub-agents. They have no id and are not sent again. */
function belongsToNoEntry({ type, sub_agent_id }: ChatEvent): boolean {
  return passingTypes.includes(type) || sub_agent_id !== undefined
}

const passingTypes: readonly string[] = ["heartbeat", "run_queued", "task_progress"]
