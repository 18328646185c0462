/**
 * Loaded before a program of the pages. The pages name the default address of a gateway, which may be taken on this
 * machine, so requests go to that of the test. With `CUT`, the connection of the first stream breaks.
 */
const { GATEWAY = "", CUT } = process.env
const fetchThere = globalThis.fetch
let cuts = CUT === undefined ? 0 : 1

globalThis.fetch = async (input, init) => {
  const response = await fetchThere(String(input).replace("http://127.0.0.1:8000", GATEWAY), init)
  const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") === true
  if (!isStream || response.body === null || cuts-- <= 0) return response
  return new Response(response.body.pipeThrough(breakAfterText()), response)
}

/** Breaks the connection when something follows the first piece of text. */
function breakAfterText(): TransformStream<Uint8Array, Uint8Array> {
  const decoder = new TextDecoder()
  let hasText = false
  return new TransformStream({
    transform(chunk, controller) {
      if (hasText) {
        console.error("The connection was lost.")
        return controller.error(new TypeError("terminated"))
      }
      controller.enqueue(chunk)
      hasText = decoder.decode(chunk).includes("event: response.output_text.delta")
    },
  })
}
