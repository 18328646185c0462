import type OpenAI from "openai"
import { describe, expect, it } from "vitest"
import { scriptedProvider } from "../../../src/testing/index.ts"
import { call, createPay, reply } from "../support/scripted-turns.ts"
import { locate, startGateway } from "./support/gateway.ts"
import { findItem, typesOf } from "./support/items.ts"

const model = "agent"
describe("a function of the client", () => {
  const locating = () =>
    scriptedProvider(({ messages }) =>
      messages.at(-1)?.role === "user" ? [call("locate", { exact: true })] : reply("In Rome."),
    )

  it("is called, and its output continues the run", async () => {
    const { client } = await startGateway({ provider: locating() })
    const first = await client.responses.create({ model, input: "Where?", tools: [locate] })
    expect(first.status).toBe("completed")
    const { call_id, name, arguments: input } = findItem(first.output, "function_call")
    expect([name, input]).toEqual(["locate", '{"exact":true}'])
    const output = { type: "function_call_output", call_id, output: '{"city":"Rome"}' } as const
    const next = { model, previous_response_id: first.id, input: [output] }
    const stream = client.responses.stream(next)
    const second = await stream.finalResponse()
    expect(second).toMatchObject({
      status: "completed",
      output_text: "In Rome.",
      previous_response_id: first.id,
    })
    expect(second.id).not.toBe(first.id)
    expect(typesOf(second.output)).toEqual(["message"])
    expect(await client.responses.retrieve(first.id)).toEqual(first)
    expect(await client.responses.retrieve(second.id)).toMatchObject({ output_text: "In Rome." })
    await expect(client.responses.create(next)).rejects.toMatchObject({
      status: 409,
      code: "already_answered",
    })
  })

  it("is called by a client that sends its whole history", async () => {
    const provider = locating()
    const { client } = await startGateway({ provider })
    const input: OpenAI.Responses.ResponseInput = [{ role: "user", content: "Where?" }]
    const first = await client.responses.create({ model, input, tools: [locate] })
    input.push(...(first.output as OpenAI.Responses.ResponseInputItem[]))
    const { call_id } = findItem(first.output, "function_call")
    input.push({ type: "function_call_output", call_id, output: "Rome" })
    const second = await client.responses.create({ model, input, tools: [locate] })
    expect(second.output_text).toBe("In Rome.")
    expect(provider.requests[1]?.messages.map(({ role }) => role)).toEqual(["user", "assistant", "tool"])
  })

  it("is handed over by a response that is not stored", async () => {
    const provider = locating()
    const { client } = await startGateway({ provider })
    const input: OpenAI.Responses.ResponseInput = [{ role: "user", content: "Where?" }]
    const first = await client.responses.create({ model, input, tools: [locate], store: false })
    input.push(...(first.output as OpenAI.Responses.ResponseInputItem[]))
    const { call_id } = findItem(first.output, "function_call")
    input.push({ type: "function_call_output", call_id, output: "Rome" })
    const second = await client.responses.create({ model, input, tools: [locate], store: false })
    expect(second.output_text).toBe("In Rome.")
    expect(provider.requests[1]?.messages.map(({ role }) => role)).toEqual(["user", "assistant", "tool"])
  })

  it("needs an output for every call", async () => {
    const provider = scriptedProvider([[call("locate"), call("locate")], reply("Done")])
    const { client } = await startGateway({ provider })
    const first = await client.responses.create({ model, input: "Where?", tools: [locate] })
    const calls = first.output.filter((item) => item.type === "function_call")
    const outputs = calls.map(
      ({ call_id }) => ({ type: "function_call_output", call_id, output: "Rome" }) as const,
    )
    const send = (input: typeof outputs) =>
      client.responses.create({ model, previous_response_id: first.id, input })
    await expect(send(outputs.slice(1))).rejects.toMatchObject({ status: 400, code: "missing_tool_output" })
    expect((await send(outputs)).output_text).toBe("Done")
  })

  it("is refused if the agent allows none", async () => {
    const { client } = await startGateway({ provider: locating(), allowClientTools: false })
    const refused = client.responses.create({ model, input: "Where?", tools: [locate] })
    await expect(refused).rejects.toMatchObject({ status: 403, code: "client_tools_not_allowed" })
  })
})

describe("an approval", () => {
  it.each([true, false])("is requested, and answered with %s", async (approve) => {
    const { pay, paid } = createPay()
    const { client } = await startGateway({
      tools: [pay],
      provider: scriptedProvider([[call("pay", { sum: 5 })], reply("Done")]),
    })
    const first = await client.responses.create({ model, input: "Pay" })
    const request = findItem(first.output, "mcp_approval_request")
    expect(request).toMatchObject({ name: "pay", arguments: '{"sum":5}', server_label: "agent" })
    const answer = { type: "mcp_approval_response", approval_request_id: request.id, approve } as const
    const second = await client.responses.create({ model, previous_response_id: first.id, input: [answer] })
    expect(second.output_text).toBe("Done")
    expect(findItem(second.output, "mcp_call").status).toBe(approve ? "completed" : "failed")
    expect(paid).toEqual(approve ? [{ sum: 5 }] : [])
  })

  it("of a sub-agent is requested and answered like one of the agent", async () => {
    const { pay, paid } = createPay()
    const provider = scriptedProvider(({ messages }) => {
      const [first, last] = [JSON.stringify(messages[0]), messages.at(-1)]
      if (last?.role === "tool") return reply(first.includes("Delegate") ? "All done." : "Paid.")
      return [first.includes("Delegate") ? call("run_agent", { task: "Pay 5." }) : call("pay", { sum: 5 })]
    })
    const { client } = await startGateway({ tools: [pay], subAgents: true, provider })
    const stream = client.responses.stream({ model, input: "Delegate" })
    const first = await stream.finalResponse()
    const request = findItem(first.output, "mcp_approval_request")
    expect([request.name, request.arguments]).toEqual(["pay", '{"sum":5}'])
    const retrieved = await client.responses.retrieve(first.id)
    expect(findItem(retrieved.output, "mcp_approval_request")).toEqual(request)
    const answer = { type: "mcp_approval_response", approval_request_id: request.id, approve: true } as const
    const second = await client.responses.create({ model, previous_response_id: first.id, input: [answer] })
    expect([second.output_text, paid]).toEqual(["All done.", [{ sum: 5 }]])
    expect(typesOf(second.output)).toEqual(["mcp_call", "message"])
    expect(await client.responses.retrieve(second.id)).toEqual(second)
  })

  it("that a person gives elsewhere continues the same response", async () => {
    const { pay } = createPay()
    const { client, gateway } = await startGateway({
      tools: [pay],
      provider: scriptedProvider([[call("pay")], reply("Done")]),
    })
    const { id } = await client.responses.create({ model, input: "Pay" })
    const [wait] = await gateway.waits.list()
    expect(wait?.toolName).toBe("pay")
    if (wait !== undefined) await gateway.waits.approve(wait)
    await expect.poll(async () => (await client.responses.retrieve(id)).output_text).toBe("Done")
  })
})
