import { describe, expect, it } from "vitest"
import type { Wait } from "../../../core/ports/store/approvals.ts"
import { runAgentInputSchema } from "../schemas/run-agent-input.ts"
import { toAnswers } from "./answers.ts"
import { readInput } from "./read-input.ts"

const read = (input: object) =>
  readInput(runAgentInputSchema.parse({ threadId: "t", runId: "r", messages: [], ...input }))
const user = (content: unknown) => ({ id: "u", role: "user", content })
const text = (value: string) => ({ type: "text", text: value })

describe("the messages of a request", () => {
  it("are new after the last message of the assistant or a tool", () => {
    const assistant = { id: "a", role: "assistant", content: "Hi", toolCalls: null }
    const tool = { id: "t", role: "tool", toolCallId: "call_1", content: "5" }
    expect(read({ messages: [user("One"), assistant, user("Two"), user([text("Three")])] }).parts).toEqual([
      text("Two"),
      text("Three"),
    ])
    expect(read({ messages: [user("One"), assistant] }).parts).toEqual([])
    expect(read({ messages: [user("One"), assistant, tool] }).parts).toEqual([])
    expect(read({ messages: [user("")] }).parts).toEqual([])
  })

  it("have the client's ids, of which a long one is not kept", () => {
    const tool = { id: "result", role: "tool", toolCallId: "call_1", content: "5" }
    const { messageId, resultIds } = read({ messages: [tool, user("One"), { ...user("Two"), id: "last" }] })
    expect([messageId, [...resultIds]]).toEqual(["last", [["call_1", "result"]]])
    for (const id of [undefined, null, "", 7, "x".repeat(201)])
      expect(read({ messages: [{ ...user("Hi"), id }] }).messageId).toBeNull()
    expect(read({ messages: [user("Hi"), tool] }).messageId).toBeNull()
  })

  it("contain images of AG-UI 1.0 and of older clients", () => {
    const data = { type: "image", source: { type: "data", value: "AAAA", mimeType: "image/png" } }
    const url = { type: "image", source: { type: "url", value: "https://example.org/a.png" } }
    const former = { type: "binary", mimeType: "image/png", data: "AAAA", url: null }
    expect(read({ messages: [user([data, url, former])] }).parts).toEqual([
      { type: "image", url: "data:image/png;base64,AAAA", path: "messages.0.content.0" },
      { type: "image", url: "https://example.org/a.png", path: "messages.0.content.1" },
      { type: "image", url: "data:image/png;base64,AAAA", path: "messages.0.content.2" },
    ])
  })

  it.each([
    { type: "audio", source: { type: "data", value: "AAAA" } },
    { type: "binary", mimeType: "application/pdf", data: "AAAA" },
    { type: "text" },
    { type: "image" },
  ])("are refused with the part $type, and its place is named", (part) => {
    expect(() => read({ messages: [user("Hi"), user([part])] })).toThrow("messages.1.content.0")
  })

  it("contain results of tools, also failed ones", () => {
    const tool = (toolCallId: string, more: object) => ({ role: "tool", toolCallId, ...more })
    const { results } = read({
      messages: [tool("a", { content: "5" }), tool("b", { content: "", error: "No." }), { role: "tool" }],
    })
    expect([...results]).toEqual([
      ["a", { type: "content", content: [text("5")] }],
      ["b", { type: "content", content: [text("No.")], isError: true }],
    ])
  })

  it("and the context of the page are instructions of the client", () => {
    const messages = [{ role: "system", content: "Be brief." }, user("Hi")]
    const context = [{ description: "Open page", value: "Cart" }]
    expect(read({ messages, context }).instructions).toBe("Be brief.\n\nOpen page: Cart")
    expect(read({ messages: [user("Hi")] }).instructions).toBeNull()
  })

  it("come with tools and properties, and with members that are ignored", () => {
    const input = {
      ...{ state: { a: 1 }, parentRunId: "p", unknown: true, forwardedProps: { channel: "web" } },
      tools: [
        { name: "show", description: "Shows.", parameters: { type: "object" } },
        { name: "hide", description: null },
      ],
    }
    expect(read(input)).toMatchObject({
      context: { channel: "web" },
      clientTools: [
        { name: "show", description: "Shows.", inputSchema: { type: "object" } },
        { name: "hide", description: "hide", inputSchema: { type: "object" } },
      ],
    })
    expect(read({ messages: [{ role: "activity", content: { a: 1 } }] }).context).toEqual({})
  })
})

const facts = { runId: "second", decidedBy: { via: "http" } as never }
const wait = (kind: "approval" | "clientTool" | "elicitation", payload: object = {}): Wait =>
  ({ kind, sessionId: "sess_1", waitId: "wait_1", toolCallId: "call_1", nonce: "nonce", payload }) as Wait
const form = wait("elicitation", { question: { mode: "form", message: "?", schema: {} } })
const page = wait("elicitation", { question: { mode: "url", message: "?", url: "https://example.org" } })
const resume = (status: "resolved" | "cancelled", payload?: unknown) =>
  read({ resume: [{ interruptId: "wait_1", status, payload }] })

describe("the answers of a request", () => {
  it.each([
    ["allows a call", "resolved", { approved: true }, { approved: true }],
    ["allows it by a plain true", "resolved", true, { approved: true }],
    [
      "allows it with other arguments",
      "resolved",
      { approved: true, editedArgs: { sum: 1 } },
      { approved: true, editedInput: { sum: 1 } },
    ],
    [
      "allows later calls too",
      "resolved",
      { approved: true, remember: "tree" },
      { approved: true, allowToolType: true, scope: "tree" },
    ],
    [
      "denies it with a reason",
      "resolved",
      { approved: false, reason: "No.", editedArgs: { sum: 1 }, remember: "tree" },
      { approved: false, reason: "No." },
    ],
    ["denies it", "cancelled", undefined, { approved: false, reason: "The user canceled the question." }],
  ] as const)("%s", (_, status, payload, answer) => {
    expect(toAnswers(resume(status, payload), [wait("approval")], facts)).toEqual([
      {
        ...{ kind: "approval", sessionId: "sess_1", toolCallId: "call_1", nonce: "nonce", ...answer },
        ...{ decidedBy: facts.decidedBy, segment: { wire: "ag-ui", id: "second" } },
      },
    ])
  })

  it("fill in a form, confirm a page, and close both", () => {
    const answer = (request: ReturnType<typeof read>, asked: Wait) => toAnswers(request, [asked], facts)
    expect(answer(resume("resolved", { name: "Ada" }), form)).toMatchObject([
      { action: "accept", content: { name: "Ada" } },
    ])
    expect(answer(resume("resolved"), page)).toMatchObject([{ action: "accept" }])
    expect(answer(resume("cancelled"), page)).toMatchObject([{ action: "cancel" }])
  })

  it("contain results of the client's own tools, and nothing for waits that are not open", () => {
    const request = read({ messages: [{ role: "tool", toolCallId: "call_1", content: "5" }] })
    expect(toAnswers(request, [wait("clientTool")], facts)).toMatchObject([
      { kind: "clientTool", result: { type: "content", content: [text("5")] } },
    ])
    expect(toAnswers(request, [wait("approval")], facts)).toEqual([])
    expect(toAnswers(resume("resolved", true), [], facts)).toEqual([])
  })

  it.each([
    ["an approval", wait("approval"), { allowed: true }],
    ["an approval", wait("approval"), undefined],
    ["an approval", wait("approval"), { approved: true, editedArgs: "sum" }],
    ["an approval", wait("approval"), { approved: true, remember: "ever" }],
    ["an approval", wait("approval"), { approved: false, reason: "r".repeat(4_097) }],
    ["a form", form, "Ada"],
  ])("are refused if they do not answer %s", (_, asked, payload) => {
    expect(() => toAnswers(resume("resolved", payload), [asked], facts)).toThrow("resume.wait_1.payload")
  })
})
