// Speaks Chat Completions in front of a small language model, whose responses have no script. The argument is the
// model's file. Prints its URL, and how each response ended, with its number of tokens. Ends with its standard input.
import { createServer } from "node:http"
import { json } from "node:stream/consumers"
import { getLlama, LlamaChatSession } from "node-llama-cpp"

const llama = await getLlama({ gpu: false, build: "never", progressLogs: false, logLevel: "error" })
const model = await llama.loadModel({ modelPath: process.argv[2] })
// Two threads wait for each other, and on a busy machine that takes 40 times as long.
const context = await model.createContext({ contextSize: 2_048, sequences: 4, threads: 1 })

function toHistoryItem({ role, content }) {
  const text = typeof content === "string" ? content : content.map((part) => part.text).join("")
  return role === "assistant" ? { type: "model", response: [text] } : { type: role, text }
}

const server = createServer(async (request, response) => {
  const gone = new AbortController()
  response.on("close", () => gone.abort())
  const { messages, max_tokens, max_completion_tokens } = await json(request)
  const [message, ...earlier] = messages.map(toHistoryItem).reverse()
  const session = new LlamaChatSession({
    contextSequence: context.getSequence(),
    autoDisposeSequence: true,
  })
  session.setChatHistory(earlier.reverse())
  const send = (fields) =>
    response.write(`data: ${JSON.stringify({ object: "chat.completion.chunk", ...fields })}\n\n`)
  response.writeHead(200, { "content-type": "text/event-stream" })
  let tokens = 0
  const { stopReason } = await session.promptWithMeta(message.text, {
    maxTokens: max_completion_tokens ?? max_tokens,
    signal: gone.signal,
    stopOnAbortSignal: true,
    onToken(more) {
      tokens += more.length
    },
    onTextChunk: (content) => send({ choices: [{ index: 0, delta: { content } }] }),
  })
  const usage = { prompt_tokens: session.sequence.nextTokenIndex - tokens, completion_tokens: tokens }
  session.dispose()
  send({ choices: [{ index: 0, delta: {}, finish_reason: stopReason === "maxTokens" ? "length" : "stop" }] })
  send({ choices: [], usage })
  response.end("data: [DONE]\n\n")
  console.log(`ended ${stopReason} ${tokens}`)
})
process.stdin.on("end", () => process.exit()).resume()
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/v1`))
