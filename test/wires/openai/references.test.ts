import type OpenAI from "openai"
import { describe, expect, it } from "vitest"
import { scriptedProvider } from "../../../src/testing/index.ts"
import { reply } from "../support/scripted-turns.ts"
import { createClient, startGateway } from "./support/gateway.ts"

const model = "agent"
const reference = (id: string) => ({ type: "item_reference", id }) as const

/** Starts a gateway that has given a response to the question "Where?". */
async function startConversation() {
  const provider = scriptedProvider([reply("In Rome."), reply("Two"), reply("Three")])
  const { client, url } = await startGateway({ provider })
  const first = await client.responses.create({ model, input: "Where?" })
  const [item] = first.output
  if (item?.type !== "message") throw new Error("The response has no message.")
  const ask = (input: OpenAI.Responses.ResponseInput, more: object = {}) =>
    client.responses.create({ model, input, ...more })
  /** Returns the roles and the texts of the last request to the model. */
  const textsSent = () =>
    provider.requests
      .at(-1)
      ?.messages.map((message) => [
        message.role,
        message.role === "tool" ? [] : message.content.map((part) => (part.type === "text" ? part.text : "")),
      ])
  return { provider, client, url, first, item, ask, textsSent }
}

describe("a reference to an item", () => {
  it("is replaced by the item, also by the user's own message", async () => {
    const { client, first, item, ask, textsSent } = await startConversation()
    const { data } = await client.responses.inputItems.list(first.id)
    const question = { id: data[0]?.id ?? "" }
    await ask([question, reference(item.id), { role: "user", content: "Sure?" }])
    expect(textsSent()).toEqual([
      ["user", ["Where?"]],
      ["assistant", ["In Rome."]],
      ["user", ["Sure?"]],
    ])
  })

  it("of the conversation repeats nothing that its session has", async () => {
    const { first, item, ask, textsSent } = await startConversation()
    const again = { role: "user", content: "Where?" } as const
    await ask([again, reference(item.id), { role: "user", content: "Sure?" }], {
      previous_response_id: first.id,
    })
    expect(textsSent()).toEqual([
      ["user", ["Where?"]],
      ["assistant", ["In Rome."]],
      ["user", ["Sure?"]],
    ])
  })

  it("of another conversation is refused", async () => {
    const { item, ask } = await startConversation()
    const input = [reference(item.id), { role: "user", content: "Sure?" }] as const
    const refused = ask([...input], { conversation: "another" })
    await expect(refused).rejects.toMatchObject({ status: 400, code: "unsupported_parameter" })
  })

  it("of someone else, or to no item, is refused without a run", async () => {
    const { provider, url, item, ask, first } = await startConversation()
    const question = { role: "user", content: "Sure?" } as const
    const refusal = { status: 404, code: "not_found", type: "invalid_request_error" }
    const ids = [item.id.replace(/0$/, "7"), item.id.replace(/^msg_/, "mcp_"), "msg_1", "mcpr_a_b", first.id]
    for (const id of ids) await expect(ask([reference(id), question])).rejects.toMatchObject(refusal)
    const eve = createClient(url, { defaultHeaders: { "x-user-id": "eve" } })
    const asEve = eve.responses.create({ model, input: [reference(item.id), question] })
    await expect(asEve).rejects.toMatchObject(refusal)
    expect(provider.requests).toHaveLength(1)
  })

  it("of a response that is not stored is refused", async () => {
    const { client, ask } = await startConversation()
    const { output } = await client.responses.create({ model, input: "2", store: false })
    const refused = ask([reference(output[0]?.id ?? ""), { role: "user", content: "Sure?" }])
    await expect(refused).rejects.toMatchObject({ status: 404, code: "not_found" })
  })

  it("is refused if there are too many", async () => {
    const { item, ask } = await startConversation()
    const runs = Array.from({ length: 201 }, (_, index) => reference(item.id.replace(/_0$/, `_${index}_0`)))
    const refused = ask([...runs, { role: "user", content: "Sure?" }])
    await expect(refused).rejects.toMatchObject({ status: 400, code: "unsupported_parameter" })
  })

  it("is refused in a conversation if there are too many sessions, and not if there are many items", async () => {
    const { first, item, ask } = await startConversation()
    const more = { previous_response_id: first.id }
    const name = (count: number, of: (index: number) => string) => [
      ...Array.from({ length: count }, (_, index) => reference(of(index))),
      { role: "user", content: "Sure?" } as const,
    ]
    const sessions = name(201, (index) => item.id.replace(/^msg_/, `msg_${index}`))
    const refused = ask(sessions, more)
    await expect(refused).rejects.toMatchObject({ status: 400, code: "unsupported_parameter" })
    const items = name(1_000, (index) => item.id.replace(/_0$/, `_${index}_0`))
    expect(await ask(items, more)).toMatchObject({ status: "completed" })
  })
})
