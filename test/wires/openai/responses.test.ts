import { describe, expect, it } from "vitest"
import { tool } from "../../../src/index.ts"
import { scriptedProvider } from "../../../src/testing/index.ts"
import { call, reply } from "../support/scripted-turns.ts"
import { createClient, key, startGateway } from "./support/gateway.ts"
import { findItem, typesOf } from "./support/items.ts"

const model = "agent"

async function collect<Event>(events: AsyncIterable<Event>): Promise<readonly Event[]> {
  const all: Event[] = []
  for await (const event of events) all.push(event)
  return all
}

/** The members that the schema of https://www.openresponses.org requires, which is stricter than the library. */
const requiredMembers = [
  ...["id", "object", "created_at", "completed_at", "status", "incomplete_details", "model", "instructions"],
  ...["previous_response_id", "output", "error", "tools", "tool_choice", "truncation", "text", "top_p"],
  ...["parallel_tool_calls", "presence_penalty", "frequency_penalty", "top_logprobs", "temperature"],
  ...["reasoning", "usage", "max_output_tokens", "max_tool_calls", "store", "background", "service_tier"],
  ...["metadata", "safety_identifier", "prompt_cache_key"],
]

describe("a response", () => {
  it("is complete, and can be retrieved", async () => {
    const { client } = await startGateway({ provider: scriptedProvider([reply("Hello")]) })
    const response = await client.responses.create({ model, input: "Hi", metadata: { a: "b" } })
    expect(response).toMatchObject({
      object: "response",
      status: "completed",
      model,
      metadata: { a: "b" },
      error: null,
    })
    expect(response.output_text).toBe("Hello")
    expect(Object.keys(response)).toEqual(expect.arrayContaining([...requiredMembers]))
    expect(response.usage?.total_tokens).toBeGreaterThan(0)
    expect(await client.responses.retrieve(response.id)).toEqual(response)
    const { data } = await client.responses.inputItems.list(response.id)
    expect(data).toMatchObject([{ role: "user", content: [{ type: "input_text", text: "Hi" }] }])
  })

  it("is streamed as the library's strict accumulator requires", async () => {
    const look = tool({
      name: "look",
      description: "Looks.",
      inputSchema: { type: "object" },
      execute: () => "seen",
    })
    const provider = scriptedProvider([
      [
        { type: "thinking", text: "Hm. " },
        { type: "thinking", text: "So." },
        ...reply("Let me"),
        ...reply(" see."),
        call("look", { at: 1 }),
      ],
      reply("Done."),
    ])
    const { client } = await startGateway({ provider, tools: [look] })
    const stream = client.responses.stream({ model, input: "Look" })
    const numbers: number[] = []
    for await (const event of stream) numbers.push(event.sequence_number)
    const response = await stream.finalResponse()
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
    expect(new Set(numbers).size).toBe(numbers.length)
    expect(typesOf(response.output)).toEqual(["reasoning", "message", "mcp_call", "message"])
    expect(findItem(response.output, "mcp_call")).toMatchObject({
      name: "look",
      arguments: '{"at":1}',
      output: "seen",
    })
    expect(response.output_text).toBe("Let me see.Done.")
    // The library adds members of its own.
    expect(response).toMatchObject({ ...(await client.responses.retrieve(response.id)) })
  })

  it("continues after an event, with the numbers of the first stream", async () => {
    const provider = scriptedProvider([[...reply("One "), ...reply("two "), ...reply("three")]])
    const { client } = await startGateway({ provider })
    const events = await collect(await client.responses.create({ model, input: "Count", stream: true }))
    const [created] = events
    const id = created?.type === "response.created" ? created.response.id : ""
    for (const [index, event] of events.entries()) {
      const rest = await client.responses.retrieve(id, {
        stream: true,
        starting_after: event.sequence_number,
      })
      expect(await collect(rest)).toEqual(events.slice(index + 1))
    }
  })

  it("runs in the background, and is cancelled", async () => {
    const provider = scriptedProvider([[...reply("One "), { type: "wait", until: new Promise(() => {}) }]])
    const { client } = await startGateway({ provider })
    const { id, status } = await client.responses.create({ model, input: "Count", background: true })
    expect(["queued", "in_progress"]).toContain(status)
    await expect.poll(() => provider.requests.length).toBe(1)
    expect(await client.responses.retrieve(id)).toMatchObject({ status: "in_progress", background: true })
    expect(await client.responses.cancel(id)).toMatchObject({ status: "cancelled" })
    expect(await client.responses.retrieve(id)).toMatchObject({ status: "cancelled" })
  })

  it("is deleted with its session", async () => {
    const { client } = await startGateway({ provider: scriptedProvider([reply("Hello")]) })
    const { id } = await client.responses.create({ model, input: "Hi" })
    await client.responses.delete(id)
    await expect(client.responses.retrieve(id)).rejects.toMatchObject({
      status: 404,
      type: "invalid_request_error",
    })
  })

  it("that is not stored cannot be retrieved", async () => {
    const { client } = await startGateway({ provider: scriptedProvider([reply("Hello")]) })
    const response = await client.responses.create({ model, input: "Hi", store: false })
    expect(response).toMatchObject({ store: false, output_text: "Hello" })
    await expect(client.responses.retrieve(response.id)).rejects.toMatchObject({ status: 404 })
  })

  it("has the output that the schema requires", async () => {
    const { client } = await startGateway({ provider: scriptedProvider([reply('{"city":"Rome"}')]) })
    const schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] }
    const response = await client.responses.parse({
      ...{ model, input: "Where?" },
      text: { format: { type: "json_schema", name: "place", schema } },
    })
    expect(response.output_parsed).toEqual({ city: "Rome" })
    expect(response.text?.format).toMatchObject({ type: "json_schema", schema })
  })
})

describe("a conversation", () => {
  it("continues after the previous response, and only at its end", async () => {
    const provider = scriptedProvider([reply("One"), reply("Two")])
    const { client } = await startGateway({ provider })
    const first = await client.responses.create({ model, input: "1" })
    const second = await client.responses.create({ model, input: "2", previous_response_id: first.id })
    expect(second).toMatchObject({ output_text: "Two", previous_response_id: first.id })
    expect(provider.requests[1]?.messages.map(({ role }) => role)).toEqual(["user", "assistant", "user"])
    await expect(
      client.responses.create({ model, input: "3", previous_response_id: first.id }),
    ).rejects.toMatchObject({ status: 400, code: "previous_response_not_last" })
  })

  it("has an id of the client, for each user", async () => {
    const provider = scriptedProvider([reply("One"), reply("Two"), reply("Three")])
    const { client, url } = await startGateway({ provider })
    await client.responses.create({ model, input: "1", conversation: "chat 1" })
    expect(
      await client.responses.create({ model, input: "2", conversation: { id: "chat 1" } }),
    ).toMatchObject({
      conversation: { id: "chat 1" },
    })
    const ada = createClient(url, { defaultHeaders: { "x-user-id": "ada" } })
    await ada.responses.create({ model, input: "3", conversation: "chat 1" })
    expect(provider.requests.map(({ messages }) => messages.length)).toEqual([1, 3, 1])
  })

  it("that the client brings is taken as it is", async () => {
    const provider = scriptedProvider([reply("Yes.")])
    const { client } = await startGateway({ provider })
    await client.responses.create({
      model,
      instructions: "Rhyme.",
      input: [
        { role: "developer", content: "Be brief." },
        { role: "user", content: "Where am I?" },
        { type: "function_call", call_id: "of another service", name: "locate", arguments: '{"a":1}' },
        { type: "function_call_output", call_id: "of another service", output: '{"city":"Rome"}' },
        { role: "assistant", content: "In Rome." },
        { role: "user", content: [{ type: "input_text", text: "Sure?" }] },
      ],
    })
    const [request] = provider.requests
    expect(request?.messages).toMatchObject([
      { role: "user" },
      { role: "assistant", content: [{ type: "toolCall", name: "locate", input: { a: 1 } }] },
      { role: "tool", results: [{ result: { type: "json", value: { city: "Rome" } } }] },
      { role: "assistant", content: [{ type: "text", text: "In Rome." }] },
      { role: "user", content: [{ type: "text", text: "Sure?" }] },
    ])
    expect(request?.system[1]?.text).toContain('"Rhyme.\\n\\nBe brief."')
  })
})

describe("errors and other requests", () => {
  const get = (url: string, path: string, init: RequestInit = {}) =>
    fetch(`${url}${path}`, { headers: { authorization: `Bearer ${key}` }, ...init })

  it("lists the agents as models", async () => {
    const { client } = await startGateway({ provider: scriptedProvider([]) })
    expect((await client.models.list()).data.map(({ id }) => id)).toEqual([model])
    expect(await client.models.retrieve(model)).toMatchObject({ id: model, object: "model" })
    await expect(client.models.retrieve("gpt-9")).rejects.toMatchObject({
      status: 404,
      code: "model_not_found",
    })
  })

  it("have OpenAI's form, below the prefix and at the root", async () => {
    const { url } = await startGateway({ provider: scriptedProvider([]) })
    for (const path of ["/v1", "/api/v1"]) {
      const post = (body: string, headers = { authorization: `Bearer ${key}` }) =>
        get(url, `${path}/responses`, {
          method: "POST",
          body,
          headers: { "content-type": "application/json", ...headers },
        })
      const refused = [
        [await post("{}", { authorization: "Bearer wrong" }), 401, "authentication_error"],
        [await post("{"), 400, "invalid_request_error"],
        [await post('{"input":7}'), 422, "invalid_request_error"],
        [await post(`{"input":"${"x".repeat(5_000_000)}"}`), 413, "invalid_request_error"],
        [await get(url, `${path}/nothing`), 404, "invalid_request_error"],
        [await get(url, `${path}/responses/resp_a_b`), 404, "invalid_request_error"],
      ] as const
      for (const [response, status, type] of refused) {
        expect([response.status, response.headers.get("x-should-retry")]).toEqual([status, "false"])
        expect(await response.json()).toMatchObject({
          error: { type, message: expect.any(String), code: expect.any(String) },
        })
      }
    }
  })

  it("are served with tokens of one session, or of one user at one agent", async () => {
    const { url } = await startGateway({ provider: scriptedProvider(() => reply("Hello")) })
    const init = async (scope: "session" | "user") => {
      const body = JSON.stringify({ api_key: key, user_id: "ada", scope })
      const headers = { "content-type": "application/json" }
      return (await fetch(`${url}/api/chat/init`, { method: "POST", body, headers })).json() as Promise<
        Record<string, string>
      >
    }
    const ofSession = createClient(url, { apiKey: (await init("session")).session_token })
    const first = await ofSession.responses.create({ input: "Hi" })
    const second = await ofSession.responses.create({ input: "Ho", previous_response_id: first.id })
    expect([first.output_text, second.output_text]).toEqual(["Hello", "Hello"])
    await expect(ofSession.responses.create({ input: "Hi", store: false })).rejects.toMatchObject({
      status: 403,
      code: "key_required",
    })
    const ofUser = createClient(url, { apiKey: (await init("user")).user_token })
    expect((await ofUser.models.list()).data.map(({ id }) => id)).toEqual([model])
    expect(await ofUser.responses.retrieve(second.id)).toMatchObject({ output_text: "Hello" })
    const apart = await ofUser.responses.create({ model, input: "Hi" })
    expect(apart.output_text).toBe("Hello")
    await expect(ofSession.responses.retrieve(apart.id)).rejects.toMatchObject({ status: 404 })
    await expect(ofUser.responses.create({ model: "other", input: "Hi" })).rejects.toMatchObject({
      status: 404,
      code: "model_not_found",
    })
  })

  it("are not shown to others", async () => {
    const { client, url } = await startGateway({ provider: scriptedProvider([reply("Hello")]) })
    const { id } = await client.responses.create({ model, input: "Hi" })
    const eve = createClient(url, { defaultHeaders: { "x-user-id": "eve" } })
    await expect(eve.responses.retrieve(id)).rejects.toMatchObject({ status: 404 })
    await expect(
      eve.responses.create({ model, input: "Hi", previous_response_id: id }),
    ).rejects.toMatchObject({ status: 404 })
    await expect(eve.responses.delete(id)).rejects.toMatchObject({ status: 404 })
  })
})
