import OpenAI from "openai"
import { expect, it } from "vitest"
import { scriptedProvider } from "../../../src/testing/index.ts"
import { gate } from "../../end-to-end/support/model.ts"
import { patienceMs } from "../../patience.ts"
import { call, reply } from "../support/scripted-turns.ts"
import { createClient, key, locate, startGateway } from "./support/gateway.ts"

const model = "agent"

/**
 * Returns a `fetch` whose first request is lost once `isDone` resolves, as if its connection broke: the client never
 * receives its response. It counts the requests.
 */
function loseFirst(isDone: () => Promise<void>) {
  const lost = {
    requests: 0,
    async fetch(url: string | URL | Request, init?: RequestInit): Promise<Response> {
      lost.requests += 1
      if (lost.requests > 1) return fetch(url, init)
      const connection = new AbortController()
      const response = fetch(url, { ...init, signal: connection.signal })
      await isDone()
      connection.abort()
      await response.then(
        ({ body }) => body?.cancel(connection.signal.reason).catch(() => {}),
        () => {},
      )
      throw new TypeError("fetch failed")
    },
  }
  return lost
}

/** Starts a gateway whose first response pauses until `release`, with a client that loses this response. */
async function startLosing() {
  const { opened, open: release } = gate()
  const provider = scriptedProvider([
    [...reply("One "), { type: "wait", until: opened }, ...reply("two")],
    reply("Three"),
  ])
  const { url, client } = await startGateway({ provider })
  const losing = loseFirst(async () => {
    await expect.poll(() => provider.requests.length, { timeout: patienceMs }).toBe(1)
    release()
  })
  return { provider, client, losing: createClient(url, { fetch: losing.fetch }), lost: losing }
}

it.each([
  ["a new session", {}],
  ["a conversation of the client", { conversation: "chat 1" }],
  ["a response that is not stored", { store: false }],
  ["a response in the background", { background: true }],
])("joins the run of a lost request: %s", async (_, members) => {
  const { provider, losing, lost, client } = await startLosing()
  const response = await losing.responses.create({ model, input: "Count", ...members })
  expect(lost.requests).toBe(2)
  if (response.background === true) {
    await expect
      .poll(async () => (await client.responses.retrieve(response.id)).output_text, { timeout: patienceMs })
      .toBe("One two")
  } else expect(response.output_text).toBe("One two")
  expect(provider.requests.length).toBe(1)
  // The next request with the same body is another one.
  expect((await client.responses.create({ model, input: "Count", store: false })).output_text).toBe("Three")
})

it("joins the run of a lost stream", async () => {
  const { provider, losing } = await startLosing()
  const stream = losing.responses.stream({ model, input: "Count" })
  expect((await stream.finalResponse()).output_text).toBe("One two")
  expect(provider.requests.length).toBe(1)
})

it("joins the run of a lost request that continues a response", async () => {
  const provider = scriptedProvider([reply("One"), reply("Two"), reply("Three")])
  const { url, client } = await startGateway({ provider })
  const first = await client.responses.create({ model, input: "Next" })
  const losing = createClient(url, {
    fetch: loseFirst(() => expect.poll(() => provider.requests.length, { timeout: patienceMs }).toBe(2))
      .fetch,
  })
  const second = await losing.responses.create({ model, input: "Next", previous_response_id: first.id })
  expect(second.output_text).toBe("Two")
  const third = await losing.responses.create({ model, input: "Next", previous_response_id: second.id })
  expect(third.output_text).toBe("Three")
})

it("continues after the output of a call once, although the request was lost", async () => {
  const { opened, open } = gate()
  const provider = scriptedProvider([
    [call("locate")],
    [{ type: "wait", until: opened }, ...reply("In Rome.")],
  ])
  const { url, client } = await startGateway({ provider })
  const first = await client.responses.create({ model, input: "Where?", tools: [locate] })
  const [asked] = first.output.filter((item) => item.type === "function_call")
  const losing = loseFirst(async () => {
    await expect.poll(() => provider.requests.length, { timeout: patienceMs }).toBe(2)
    open()
  })
  const second = await createClient(url, { fetch: losing.fetch }).responses.create({
    ...{ model, previous_response_id: first.id },
    input: [{ type: "function_call_output", call_id: asked?.call_id ?? "", output: "Rome" }],
  })
  expect(second.output_text).toBe("In Rome.")
  expect([losing.requests, provider.requests.length]).toEqual([2, 2])
})

it("tells equal requests apart, and joins those with the same key", async () => {
  const provider = scriptedProvider((request) => reply(`${request.messages.length}`))
  const { client } = await startGateway({ provider })
  const send = (headers = {}) => client.responses.create({ model, input: "Hi" }, { headers })
  const ids = await Promise.all([send(), send(), send()].map(async (each) => (await each).id))
  expect(new Set(ids).size).toBe(3)
  const keyed = { "idempotency-key": "request-1" }
  const [one, two] = [await send(keyed), await send(keyed)]
  expect(two).toEqual(one)
  expect(provider.requests.length).toBe(4)
  const other = client.responses.create({ model, input: "Ho" }, { headers: keyed })
  await expect(other).rejects.toMatchObject({ status: 422, code: "idempotency_key_reused" })
})

it("does not repeat a request that would be refused again", async () => {
  const provider = scriptedProvider([[{ type: "wait", until: new Promise(() => {}) }]])
  const { url, client } = await startGateway({ provider })
  const { id } = await client.responses.create({
    ...{ model, input: "Hi", background: true },
    conversation: "chat 1",
  })
  let requests = 0
  const counting = new OpenAI({
    ...{ baseURL: `${url}/v1`, apiKey: key },
    fetch: (...request) => {
      requests += 1
      return fetch(...request)
    },
  })
  const second = counting.responses.create({ model, input: "Ho", conversation: "chat 1" })
  await expect(second).rejects.toMatchObject({ status: 409, code: "run_active" })
  expect(requests).toBe(1)
  await client.responses.cancel(id)
})
