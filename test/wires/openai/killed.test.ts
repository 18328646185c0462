import OpenAI from "openai"
import { expect, it } from "vitest"
import { kill, startGateway } from "../../end-to-end/support/gateway-process.ts"
import { gate, pausing, says, startModel, words } from "../../end-to-end/support/model.ts"
import { temporaryFolder } from "../../end-to-end/support/temporary-folder.ts"

/** Starts a gateway of the built command, whose first response pauses after ten words. */
async function start() {
  const model = await startModel([pausing(words(20), 10, gate().opened), says("A new ", "answer.")])
  const folder = await temporaryFolder()
  const first = await startGateway({ folder, model })
  let served = Promise.resolve(first.url)
  const client = new OpenAI({
    ...{ baseURL: `${first.url}/v1`, apiKey: "key" },
    // A user's gateway starts again at the same address, which may be taken on this machine.
    fetch: async (url, init) => fetch(String(url).replace(first.url, await served), init),
  })
  const restart = async () => {
    const next = Promise.withResolvers<string>()
    served = next.promise
    await kill(first)
    next.resolve((await startGateway({ folder, model })).url)
  }
  return { model, client, restart }
}

const question = { model: "agent", input: "Go" } as const

it("the library's own retry finds the run of a gateway that was killed in the middle of it", async () => {
  const { model, client, restart } = await start()
  const response = client.responses.create(question)
  await expect.poll(() => model.requests.length).toBe(1)
  await restart()
  expect(await response).toMatchObject({ status: "completed", output_text: "A new answer." })
  expect(model.requests.length).toBe(2)
})

it("a stream continues after the last event, although the gateway was killed in the middle of it", async () => {
  const { model, client, restart } = await start()
  const events: OpenAI.Responses.ResponseStreamEvent[] = []
  const broken = (async () => {
    for await (const event of await client.responses.create({ ...question, stream: true })) {
      events.push(event)
      if (event.type === "response.output_text.delta" && event.delta.endsWith("w10 ")) await restart()
    }
  })()
  await expect(broken).rejects.toThrow()
  const [created] = events
  const id = created?.type === "response.created" ? created.response.id : ""
  const rest = await client.responses.retrieve(id, {
    stream: true,
    starting_after: events.at(-1)?.sequence_number ?? 0,
  })
  for await (const event of rest) events.push(event)
  const numbers = events.map(({ sequence_number }) => sequence_number)
  expect(numbers).toEqual([...new Set(numbers)].toSorted((one, other) => one - other))
  const end = events.at(-1)
  expect(end).toMatchObject({ type: "response.completed", response: { output_text: "A new answer." } })
  // The library rebuilds the response from its first event, and refuses any disorder.
  const whole = client.responses.stream({ response_id: id })
  expect(await whole.finalResponse()).toMatchObject({ output_text: "A new answer." })
  expect(model.requests.length).toBe(2)
})
