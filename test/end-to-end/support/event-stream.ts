import { createParser } from "eventsource-parser"
import type { ChatEvent } from "../../../src/http/schemas/events.ts"

export interface Frame {
  /** Null for a frame without an id: a log entry that became several frames has it on the last one. */
  readonly id: number | null
  readonly event: ChatEvent
}

/** A client's side of one event stream. Heartbeats are left out. */
export interface EventStream {
  readonly response: Response
  /** Null at the end. Rejects when the connection breaks. */
  next(): Promise<Frame | null>
  /** Reads on up to the first frame that is asked for, and gives it with those before it. */
  until(isLast: (frame: Frame) => boolean): Promise<readonly Frame[]>
  /** Reads on to the end. */
  rest(): Promise<readonly Frame[]>
  /** The same, if the connection may break: then what came before that. */
  restOrBreak(): Promise<readonly Frame[]>
  /** Goes away in the middle. */
  close(): Promise<void>
}

export function eventStream(response: Response): EventStream {
  let frames: Frame[] = []
  let taken = 0
  const parser = createParser({
    onEvent({ id, data }) {
      const event = JSON.parse(data) as ChatEvent
      if (event.type !== "heartbeat") frames.push({ id: id === undefined ? null : Number(id), event })
    },
    onError(error) {
      throw error
    },
  })
  const reader = (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream()).getReader()

  async function next(): Promise<Frame | null> {
    while (taken === frames.length) {
      frames = []
      taken = 0
      const { done, value } = await reader.read()
      if (done) return null
      parser.feed(value)
    }
    return frames[taken++] ?? null
  }

  async function collect(into: Frame[]): Promise<readonly Frame[]> {
    for (let frame = await next(); frame !== null; frame = await next()) into.push(frame)
    return into
  }

  return {
    response,
    next,
    async until(isLast) {
      const read: Frame[] = []
      for (;;) {
        const frame = await next()
        if (frame === null) throw new Error(`The stream ended early, after ${JSON.stringify(read)}.`)
        read.push(frame)
        if (isLast(frame)) return read
      }
    },
    rest: () => collect([]),
    async restOrBreak() {
      const read: Frame[] = []
      // What fetch throws when a connection breaks off; nothing else is expected.
      await collect(read).catch((error: unknown) => {
        if (!(error instanceof TypeError)) throw error
      })
      return read
    },
    close: () => reader.cancel(),
  }
}
