/**
 * The body of a response that is one text. Any server can send it as a web stream; the gateway's own server writes
 * its text to the connection directly.
 */
export class TextBody extends ReadableStream<Uint8Array<ArrayBuffer>> {
  readonly text: string

  constructor(text: string) {
    // No bytes are encoded before they are requested.
    super(
      {
        pull(controller) {
          controller.enqueue(new TextEncoder().encode(text))
          controller.close()
        },
      },
      { highWaterMark: 0 },
    )
    this.text = text
  }
}
