import type { IncomingMessage } from "node:http"
import type { BodyReader } from "./body-reader.ts"

/** Maximum number of waiting chunks. With more, the connection is not read. */
const maxWaiting = 16

/**
 * Reads the body of a response of Node's HTTP client. It fails as the body of a `fetch` does. A web stream in between
 * would cost as much as parsing the chunk. Only one read may wait at a time.
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
      this.#wake()
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
      const value = this.#chunks.shift()
      if (value !== undefined) {
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
}
