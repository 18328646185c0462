import { createParser } from "eventsource-parser"
import type { ChatEvent } from "../../../src/wires/native/schemas/events.ts"

export interface Frame {
  /** Null for a frame without an id. If a log entry became several frames, the last one has the id. */
  readonly id: number | null
  readonly event: ChatEvent
}

/** The client's side of one event stream, without heartbeats. */
export interface EventStream {
  readonly response: Response
  /** Resolves to the next frame, or to null at the end. Rejects if the connection breaks. */
  next(): Promise<Frame | null>
  /** Reads up to the first matching frame. Resolves to that frame and the frames before it. */
  until(isLast: (frame: Frame) => boolean): Promise<readonly Frame[]>
  /** Reads to the end. */
  rest(): Promise<readonly Frame[]>
  /** Reads to the end, or until the connection breaks. Resolves to the frames before that. */
  restOrBreak(): Promise<readonly Frame[]>
  /** Disconnects. */
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
      // `fetch` throws a TypeError if a connection breaks. No other error is expected.
      await collect(read).catch((error: unknown) => {
        if (!(error instanceof TypeError)) throw error
      })
      return read
    },
    close: () => reader.cancel(),
  }
}
