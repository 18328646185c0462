import type { IncomingMessage } from "node:http"
import { type BodyReader, turnBytes } from "./body-reader.ts"

/** Maximum number of waiting chunks. With more, the connection is not read. */
const maxWaiting = 16

/**
 * Reads the body of a response of Node's HTTP client. It fails as the body of a `fetch` does. A web stream in between
 * would cost as much as parsing the chunk. Only one read may wait at a time.
 *
 * A service that writes each token in a chunk of its own sends several in one packet. A read that waits therefore ends
 * with the turn of the event loop in which its first chunk arrives. Each read returns the chunks that wait by then, up
 * to `turnBytes`, as one.
 */
export class MessageReader implements BodyReader {
  readonly #message: IncomingMessage
  #chunks: Uint8Array[] = []
  #isOver = false
  #failure: Error | null = null
  #wake: () => void = () => {}

  constructor(message: IncomingMessage) {
    this.#message = message
    message.on("data", (chunk: Uint8Array) => {
      this.#chunks.push(chunk)
      if (this.#chunks.length >= maxWaiting) message.pause()
      if (this.#chunks.length === 1) setImmediate(() => this.#wake())
    })
    message.on("end", () => {
      this.#isOver = true
      this.#wake()
    })
    message.on("error", (cause) => {
      this.#failure = new TypeError("terminated", { cause })
      this.#wake()
    })
  }

  async read(): ReturnType<BodyReader["read"]> {
    for (;;) {
      const first = this.#chunks.shift()
      if (first !== undefined) {
        const value = this.#chunks.length === 0 ? first : this.#joinWaiting(first)
        if (this.#message.isPaused()) this.#message.resume()
        return { done: false, value }
      }
      if (this.#isOver) return { done: true, value: undefined }
      if (this.#failure !== null) throw this.#failure
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#wake = resolve
      await promise
    }
  }

  async cancel(): Promise<void> {
    this.#chunks = []
    // A failure after that is not an error of the body.
    this.#isOver = true
    this.#message.removeAllListeners("data").removeAllListeners("end")
    this.#message.destroy()
    this.#wake()
  }

  /** Returns the chunk, together with those after it that fit into one turn. */
  #joinWaiting(first: Uint8Array): Uint8Array {
    let size = first.length
    const end = this.#chunks.findIndex(({ length }) => {
      size += length
      return size > turnBytes
    })
    const joined = this.#chunks.splice(0, end === -1 ? this.#chunks.length : end)
    return Buffer.concat([first, ...joined])
  }
}
