import { expect, it, onTestFinished } from "vitest"
import type { Plugin } from "../core/ports/plugin.ts"
import { scriptedProvider } from "../testing/provider/scripted-provider.ts"
import { createAgent } from "./create-agent.ts"

const silent = { debug() {}, info() {}, warn() {}, error() {} }

/** Starts a gateway with a plugin that stores notes, and a session. */
async function startSession() {
  const notes: unknown[] = []
  const handle = async ({ body }: { readonly body: unknown }) => {
    notes.push(body)
    return Response.json({ status: "ok" })
  }
  const plugin: Plugin = { name: "notes", setup: () => ({ routes: { "POST /notes": handle } }) }
  const provider = scriptedProvider(() => [{ type: "text", text: "Done." }])
  const gateway = createAgent("", { store: "memory", logger: silent, provider, plugins: [plugin] })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  const post = (path: string, body: string | ReadableStream, headers: Record<string, string> = {}) =>
    gateway.fetch(
      new Request(`http://localhost/api${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body,
        duplex: "half",
      }),
    )
  const init = await post("/chat/init", JSON.stringify({ api_key: "key" }))
  const { session_token, session_id } = (await init.json()) as { session_token: string; session_id: string }
  const send = (path: string, body: string | ReadableStream) =>
    post(path, body, { authorization: `Bearer ${session_token}` })
  return { gateway, notes, provider, send, sessionId: session_id }
}

it.each(["/chat", "/notes"])(
  "a request to %s whose body arrives after the revocation of its session is refused",
  async (path) => {
    const { gateway, notes, provider, send, sessionId } = await startSession()
    const started = Promise.withResolvers<void>()
    const revoked = Promise.withResolvers<void>()
    const body = new ReadableStream(
      {
        async pull(controller) {
          // The gateway reads the body after it has checked the token.
          started.resolve()
          await revoked.promise
          controller.enqueue(new TextEncoder().encode(JSON.stringify({ message: "Work." })))
          controller.close()
        },
      },
      { highWaterMark: 0 },
    )
    const response = send(path, body)
    await started.promise
    await gateway.revokeSession(sessionId)
    revoked.resolve()
    expect((await response).status).toBe(401)
    expect(await (await response).json()).toMatchObject({ code: "session_revoked" })
    expect([notes, provider.requests]).toEqual([[], []])
  },
)
