import { createInterface } from "node:readline"
import { setTimeout as delay } from "node:timers/promises"
import OpenAI from "openai"

type Input = OpenAI.Responses.ResponseInputItem

const client = new OpenAI({ baseURL: "http://127.0.0.1:8000/v1", apiKey: "dev" })
const model = "bookshop"
const terminal = createInterface({ input: process.stdin })
const lines = terminal[Symbol.asyncIterator]()

/** Resolves to the next line. At the end of the input, it is empty. */
async function ask(question: string): Promise<string> {
  process.stdout.write(question)
  const { value, done } = await lines.next()
  return done === true ? "" : value
}

/** Prints a response while it is streamed. After a lost connection, continues after the last event. */
async function show(request: OpenAI.Responses.ResponseCreateParamsStreaming) {
  let id = ""
  let last = -1
  for (;;) {
    try {
      const events =
        id === ""
          ? await client.responses.create(request)
          : await client.responses.retrieve(id, { stream: true, starting_after: last })
      for await (const event of events) {
        if (event.type === "response.created") id = event.response.id
        if (event.type === "response.output_text.delta") process.stdout.write(event.delta)
        last = event.sequence_number
        if ("response" in event && event.response.completed_at) return event.response
      }
    } catch (error) {
      // Without an id, the library has already repeated the request.
      if (id === "" || (error instanceof OpenAI.APIError && error.status !== undefined && error.status < 500))
        throw error
    }
    await delay(1_000)
  }
}

/** Asks about each call that a person must allow. */
async function answer({ output }: OpenAI.Responses.Response): Promise<readonly Input[]> {
  const answers: Input[] = []
  for (const item of output) {
    if (item.type !== "mcp_approval_request") continue
    const approve = (await ask(`\nAllow ${item.name} ${item.arguments}? (y/n) `)) === "y"
    answers.push({ type: "mcp_approval_response", approval_request_id: item.id, approve })
  }
  return answers
}

let previous: string | null = null
let input: string | Input[] = await ask("> ")
while (input !== "") {
  const response: OpenAI.Responses.Response = await show({
    model,
    input,
    previous_response_id: previous,
    stream: true,
  })
  previous = response.id
  const answers = await answer(response)
  input = answers.length > 0 ? [...answers] : await ask("\n> ")
}
terminal.close()
