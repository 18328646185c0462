import { EventSource } from "eventsource"
import { expect, test } from "vitest"
import { createAgent } from "../../../src/gateway/create-agent.ts"
import type { ContractUnderTest } from "../contract-under-test.ts"
import {
  cancel,
  chat,
  hello,
  history,
  init,
  initAgent,
  listSessions,
  ofAgent,
  showSession,
  subscribe,
} from "../operations.ts"
import { sharedSecret } from "../shared-secret.ts"

/** Registers tests of runs, their streams and histories. */
export function testConversations({ url, call, send, check, newToken }: ContractUnderTest): void {
  test("a conversation's events, history and cancel are as documented", async () => {
    const token = await newToken()
    const message = "/think /tool greet\n/tool hang"
    const response = await send(chat, {
      token,
      body: { message, context: { channel: "web" }, model: "demo" },
    })
    const [seen, kept] = (response.body ?? new ReadableStream()).tee()
    await untilSent(seen, "tool_call_complete")
    expect((await call(cancel, { token })).status).toBe(200)
    const { bodies } = await check(chat, new Response(kept, response))
    expect(new Set(bodies.map(({ type }) => type))).toEqual(
      new Set([
        "thinking_delta",
        "text_delta",
        "tool_call_start",
        "tool_output_chunk",
        "tool_call_complete",
        "tool_call_interrupted",
        "turn_complete",
        "stream_complete",
      ]),
    )
    expect((await call(subscribe, { token })).bodies).toEqual(bodies)
    const unknown = await call(`${history}?sub_agent_id=sess_unknown`, { token })
    expect(unknown.status).toBe(404)
    expect(unknown.bodies).toMatchObject([{ code: "sub_agent_not_found" }])
    const after = (await call(history, { token })).bodies[0]?.last_seq
    expect((await call(`GET /chat/subscribe?after_seq=${after}`, { token })).status).toBe(204)
  })

  test("an EventSource receives each event of a run once, and learns not to reconnect", async () => {
    const token = await newToken()
    const run = await send(chat, { token, body: hello })
    await run.body?.cancel()
    const authorization = `Bearer ${token}`
    const events = new EventSource(`${url}/api/chat/subscribe?after_seq=${run.headers.get("x-cursor")}`, {
      fetch: (address, init) => fetch(address, { ...init, headers: { ...init.headers, authorization } }),
    })
    const seen: unknown[] = []
    events.onmessage = ({ data }) => seen.push(JSON.parse(data))
    const closed = new Promise((resolve) => {
      events.onerror = ({ code }) => events.readyState === EventSource.CLOSED && resolve(code)
    })
    expect(await closed).toBe(204)
    expect(seen).toEqual((await call(subscribe, { token })).bodies)
  })

  test("a client that reloads receives the rest of a sentence from its first word", async () => {
    const token = await newToken()
    const run = await send(chat, { token, body: hello })
    const [seen, kept] = (run.body ?? new ReadableStream()).tee()
    await untilSent(seen, "text_delta")
    const { messages, last_seq } = (await call(history, { token })).bodies[0] ?? {}
    const following = await call(`${subscribe}?after_seq=${last_seq}`, { token })
    const { bodies } = await check(chat, new Response(kept, run))
    // If the response had ended, it is in the history. Otherwise the stream contains all of it.
    const [, answer] = messages as readonly { readonly content: unknown }[]
    const drawn = answer?.content ?? [{ type: "text", text: said(following.bodies) }]
    expect(drawn).toEqual([{ type: "text", text: said(bodies) }])
  })

  test("the sessions of a user are as documented, and are not listed while users are unknown", async () => {
    const begun = await call(initAgent, { ...ofAgent, body: { api_key: "key", user_id: "lister" } })
    const { session_token: token, session_id: id } = begun.bodies[0] as Record<string, string>
    expect(begun.bodies[0]).toMatchObject({ agent: "agent" })
    expect((await call(listSessions, { token })).bodies[0]).toMatchObject({ sessions: [{ session_id: id }] })
    const shown = await call(showSession, { token, params: { id: id ?? "" } })
    expect(shown.bodies[0]).toMatchObject({ session_id: id, runs: [] })
    const open = createAgent("You answer.", sharedSecret)
    const through = (request: Request) => open.fetch(request)
    const anyone = await call(init, { body: { api_key: "any" }, through })
    const stranger = String(anyone.bodies[0]?.session_token)
    for (const operation of [listSessions, showSession]) {
      const answer = await call(operation, { token: stranger, through })
      expect(answer).toMatchObject({ status: 403, code: "users_unknown" })
    }
    await open.close()
  })
}

/** Reads a stream until it contains the text. */
async function untilSent(stream: ReadableStream<Uint8Array>, text: string): Promise<void> {
  const decoder = new TextDecoder()
  let sent = ""
  // The other branch of the stream continues.
  for await (const bytes of stream.values({ preventCancel: true })) {
    sent += decoder.decode(bytes, { stream: true })
    if (sent.includes(text)) return
  }
  throw new Error(`The stream ended without ${text}: ${sent}`)
}

function said(events: readonly Record<string, unknown>[]): string {
  return events.map(({ type, text }) => (type === "text_delta" ? text : "")).join("")
}
