import type { RunFinishedEvent } from "@ag-ui/client"
import { describe, expect, it } from "vitest"
import { tool } from "../../../src/index.ts"
import { judge, type ReadEvent } from "../../../src/wires/ag-ui/fixtures/judge.ts"
import { authorization, input, read, serve, textOf } from "./support/serve.ts"

const pay = tool({
  ...{ name: "pay", description: "Pays.", inputSchema: { type: "object" }, needsApproval: true },
  execute: () => "paid",
})

/** Returns the answer to the question at the end of a stream. */
function allow(asked: readonly ReadEvent[]) {
  const { outcome = null } = (asked.at(-1)?.event ?? {}) as Partial<RunFinishedEvent>
  const [interrupt] = outcome?.type === "interrupt" ? outcome.interrupts : []
  if (interrupt === undefined) throw new Error("The run does not ask.")
  const { id: interruptId, toolCallId } = interrupt
  return { toolCallId, resume: [{ interruptId, status: "resolved", payload: { approved: true } }] }
}

describe("POST /ag-ui", () => {
  it("streams a whole run that the judges of the protocol accept", async () => {
    const { post } = await serve([[{ type: "text", text: "Hello." }]])
    const events = await read(await post(input("run-1", "Hi")))
    await judge(events)
    expect(textOf(events)).toBe("Hello.")
    expect(events[0]?.event).toEqual({
      ...{ type: "RUN_STARTED", threadId: "thread-1", runId: "run-1", protocolVersion: "1.0" },
    })
  })

  it("starts one run for one id, however often it is sent", async () => {
    const { post, gateway, provider } = await serve(() => [{ type: "text", text: "Hello." }])
    const first = await read(await post(input("run-1", "Hi")))
    for (const body of [input("run-1", "Hi"), input("run-1", "Something else")]) {
      const again = await read(await post(body))
      await judge(again)
      expect(textOf(again)).toBe(`Hi${textOf(first)}`)
    }
    const together = await Promise.all([1, 2, 3].map(async () => read(await post(input("run-2", "And?")))))
    for (const events of together) expect(textOf(events)).toMatch(/Hello\.$/)
    expect((await gateway.sessions.runs({})).items).toHaveLength(2)
    expect(provider.requests).toHaveLength(2)
  })

  it("continues after every id of its frames", async () => {
    const { post, get } = await serve([
      [
        { type: "text", text: "Hello " },
        { type: "text", text: "there." },
      ],
    ])
    const body = input("run-1", "Hi")
    const events = await read(await post(body))
    const joined = "threadId=thread-1&runId=run-1"
    // The client that joins at the start of its stream receives it again, with the snapshot.
    const views = [
      [events, (headers: Record<string, string>) => post(body, headers)],
      [(await read(await get(joined))).slice(1), (headers: Record<string, string>) => get(joined, headers)],
    ] as const
    for (const [whole, request] of views) {
      for (const [index, { id }] of whole.slice(0, -1).entries()) {
        const rest = await read(await request({ "last-event-id": id ?? "" }))
        expect([id, ...whole.slice(0, index + 1), ...rest]).toEqual([id, ...whole])
      }
    }
    expect((await post(body, { "last-event-id": "x" })).status).toBe(400)
  })

  it("without anything new starts no run, and shows the conversation", async () => {
    const { post, gateway } = await serve(() => [{ type: "text", text: "Hello." }])
    await read(await post(input("run-1", "Hi")))
    const messages = [
      { id: "u", role: "user", content: "Hi" },
      { id: "a", role: "assistant", content: "Hello." },
    ]
    const events = await read(await post(input("run-2", "", { messages })))
    await judge(events)
    expect(events.map(({ event }) => event.type)).toEqual([
      "RUN_STARTED",
      "MESSAGES_SNAPSHOT",
      "RUN_FINISHED",
    ])
    expect(events[1]?.event).toMatchObject({ messages: [{ role: "user" }, { content: "Hello." }] })
    expect((await gateway.sessions.runs({})).items).toHaveLength(1)
  })

  it("takes answers with the id of the run that asked, and shows the whole run under it later", async () => {
    const { post, get, gateway } = await serve(
      [
        [{ type: "toolCall", name: "pay", input: {} }],
        [{ type: "toolCall", name: "pay", input: {} }],
        [{ type: "text", text: "Done." }],
      ],
      { tools: [pay] },
    )
    let asked = await read(await post(input("run-1", "Pay twice")))
    for (const rest of ["", "Done."]) {
      const { toolCallId, resume } = allow(asked)
      // CopilotKit adds the answer to the messages, too.
      const messages = [
        ...input("run-1", "Pay twice").messages,
        { id: "call", role: "assistant", toolCalls: [] },
        { id: "answer", role: "tool", toolCallId, content: '{"approved":true}' },
      ]
      const body = input("run-1", "", { messages, resume })
      asked = await read(await post(body))
      await judge(asked)
      expect(textOf(asked)).toBe(rest)
      expect(asked.map(({ event }) => event.type)).toContain("TOOL_CALL_RESULT")
    }
    const joined = await read(await get("threadId=thread-1&runId=run-1"))
    await judge(joined)
    expect(textOf(joined)).toBe("Pay twiceDone.")
    expect(joined.at(-1)?.event.outcome).toEqual({ type: "success" })
    for (const [index, { id }] of asked.entries()) {
      // The first frame is that of the place before the answer.
      if (index === 0 || index === asked.length - 1) continue
      const rest = await read(await post(input("run-1", "Pay twice"), { "last-event-id": id ?? "" }))
      expect([id, ...rest]).toEqual([id, ...asked.slice(index + 1)])
    }
    expect((await gateway.sessions.runs({})).items).toHaveLength(1)
  })

  it("shows the rest of the run to all clients that answer at once", async () => {
    const { post } = await serve(
      [[{ type: "toolCall", name: "pay", input: {} }], [{ type: "text", text: "Done." }]],
      { tools: [pay] },
    )
    const { resume } = allow(await read(await post(input("run-1", "Pay"))))
    const answer = async (id: string) => read(await post(input(id, "", { messages: [], resume })))
    for (const events of await Promise.all(["run-2", "run-3", "run-4"].map(answer))) {
      await judge(events)
      expect(JSON.stringify(events)).toContain("Done.")
    }
  })

  it("is refused while another run is open, in the form of a failed run", async () => {
    const { post } = await serve([[{ type: "wait", until: new Promise(() => {}) }]])
    const open = await post(input("run-1", "Hi"))
    const busy = await post(input("run-2", "And?"))
    expect(busy.status).toBe(409)
    expect(busy.headers.get("content-type")).toBe("application/json")
    expect(await busy.json()).toMatchObject({ type: "RUN_ERROR", code: "run_active" })
    await open.body?.cancel()
  })

  it.each([
    ["no messages", { messages: undefined }],
    ["a run id that is too long", { runId: "r".repeat(201) }],
    ["a thread id that is too long", { threadId: "t".repeat(201) }],
    ["a video", { messages: [{ role: "user", content: [{ type: "video" }] }] }],
  ])("refuses %s", async (_, more) => {
    const { post } = await serve([])
    const response = await post(input("run-1", "Hi", more))
    expect(response.status).toBe(422)
    expect(await response.json()).toMatchObject({ type: "RUN_ERROR", message: expect.any(String) })
  })

  it("gives the model the client's instructions if it comes with an API key", async () => {
    const { post, provider } = await serve([[{ type: "text", text: "Hello." }]])
    const context = [{ description: "Open page", value: "Cart" }]
    await read(await post(input("run-1", "Hi", { context })))
    expect(JSON.stringify(provider.requests[0]?.system)).toContain("Open page: Cart")
  })
})

describe("GET /ag-ui", () => {
  it("joins a run with the messages before it, and is nothing for another user", async () => {
    const { post, get } = await serve(
      ["One", "Two"].map((said) => [{ type: "text", text: `Answer to ${said}.` }]),
    )
    await read(await post(input("run-1", "One")))
    await read(await post(input("run-2", "Two")))
    const events = await read(await get("threadId=thread-1&runId=run-2"))
    await judge(events)
    expect(events[1]?.event).toMatchObject({
      type: "MESSAGES_SNAPSHOT",
      messages: [
        { role: "user", content: "One" },
        { role: "assistant", content: "Answer to One." },
      ],
    })
    expect(textOf(events)).toBe("TwoAnswer to Two.")
    expect((await get("threadId=thread-1&runId=run-2", { "x-user-id": "eve" })).status).toBe(404)
    const idle = await read(await get("threadId=thread-1&runId=run-9"))
    await judge(idle)
    expect(idle[1]?.event.messages).toMatchObject(
      ["One", "Answer to One.", "Two", "Answer to Two."].map((content) => ({ content })),
    )
    expect((await get("threadId=thread-9")).status).toBe(404)
    expect((await get("threadId=thread-1")).status).toBe(204)
  })
})

describe("DELETE /ag-ui", () => {
  it("cancels a run, whose stream ends as canceled", async () => {
    const { post, address } = await serve([[{ type: "wait", until: new Promise(() => {}) }]])
    const open = await post(input("run-1", "Hi"))
    const cancel = (query = "threadId=thread-1&runId=run-1") =>
      fetch(`${address}?${query}`, { method: "DELETE", headers: authorization })
    expect((await cancel("threadId=thread-1&runId=run-2")).status).toBe(404)
    expect((await cancel()).status).toBe(204)
    const events = await read(open)
    await judge(events)
    expect(events.at(-1)?.event).toMatchObject({ outcome: { type: "cancelled" } })
    expect((await cancel()).status).toBe(404)
    expect((await cancel("threadId=thread-1")).status).toBe(404)
  })
})
