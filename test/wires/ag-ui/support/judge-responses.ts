import { judge, judgeEvents, parseStream } from "../../../../src/wires/ag-ui/fixtures/judge.ts"

/**
 * Returns a `fetch` for a client, and a function that checks what came: each event of every response, and each whole
 * response by the rules of the protocol.
 */
export function judgeResponses() {
  const bodies: Promise<{ readonly text: string; readonly isWhole: boolean }>[] = []
  const observed: typeof fetch = async (input, init) => {
    const response = await fetch(input, init)
    if (response.body === null || !response.ok) return response
    const [read, shown] = response.body.tee()
    bodies.push(collect(read))
    return new Response(shown, response)
  }
  const accept = async () => {
    for (const { text, isWhole } of await Promise.all(bodies)) {
      if (isWhole) await judge(parseStream(text))
      else judgeEvents(parseStream(text.slice(0, text.lastIndexOf("\n\n") + 2)))
    }
    return bodies.length
  }
  return { fetch: observed, accept }
}

async function collect(body: ReadableStream<Uint8Array>) {
  let text = ""
  try {
    for await (const piece of body.pipeThrough(new TextDecoderStream())) text += piece
    return { text, isWhole: true }
  } catch {
    // The connection was cut.
    return { text, isWhole: false }
  }
}
