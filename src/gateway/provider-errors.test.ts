import { expect, it, onTestFinished } from "vitest"
import { runSession } from "../features/headless/run/run-session.ts"
import { startScriptedUpstream, type UpstreamReply } from "../testing/provider/scripted-upstream.ts"
import { createAgent } from "./create-agent.ts"
import type { PrepareOptions } from "./gateway.ts"

const key = "sk-ant-api03-0123456789abcdefghijklmnopqrstuvwxyz"
const reason = "max_tokens: 99 is too large"

function refusal(message: string): UpstreamReply {
  return {
    status: 400,
    headers: { "content-type": "application/json" },
    steps: [JSON.stringify({ type: "error", error: { type: "invalid_request_error", message } })],
  }
}

/** Creates a gateway whose provider refuses each call, in words that quote a key. */
async function createRefused(options: { readonly showProviderErrors?: "clients" } = {}) {
  const upstream = await startScriptedUpstream(() => refusal(`${reason} for ${key}`))
  onTestFinished(() => upstream.close())
  const logged: object[] = []
  const warn = (fields: object) => void logged.push(fields)
  const gateway = createAgent("Hi.", {
    store: "memory",
    logger: { debug() {}, info() {}, warn, error() {} },
    apiKey: "k-1234567",
    providerConfig: { baseURL: upstream.url },
    ...options,
  })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  return { gateway, logged }
}

/** Sends a message as a client. Resolves to the text of its stream. */
async function chat({ fetch }: Awaited<ReturnType<typeof createRefused>>["gateway"]): Promise<string> {
  const post = async (path: string, body: object, headers: Record<string, string> = {}) =>
    fetch(
      new Request(`http://localhost/api${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
      }),
    )
  const init = await post("/chat/init", { api_key: "key" })
  const { session_token: token } = (await init.json()) as { readonly session_token: string }
  return (await post("/chat", { message: "Hi." }, { authorization: `Bearer ${token}` })).text()
}

it("tells clients the provider's own message only if the options allow it", async () => {
  const { gateway } = await createRefused()
  const hidden = await chat(gateway)
  expect(hidden).toContain('"code":"invalid_request"')
  expect(hidden).not.toContain(reason)

  const shown = await chat((await createRefused({ showProviderErrors: "clients" })).gateway)
  expect(shown).toContain(`"provider_message":"${reason} for [redacted]"`)
})

it.each<[PrepareOptions["mode"], boolean]>([
  ["dev", true],
  ["start", false],
])("with the mode %s, whether clients see it is %s", async (mode = "start", isShown) => {
  const { gateway } = await createRefused()
  await gateway.prepare({ mode })
  const stream = await chat(gateway)
  expect(stream).toContain('"code":"invalid_request"')
  expect(stream.includes(reason)).toBe(isShown)
})

it("tells operators the provider's own message without keys, in results, RunOutput and the log", async () => {
  const { gateway, logged } = await createRefused()
  const events: string[] = []
  const result = await gateway.run("Hi.", { onEvent: (event) => void events.push(JSON.stringify(event)) })
  const message = "The provider refused the request."
  const providerMessage = `${reason} for [redacted]`
  expect(result.error).toEqual({ code: "invalid_request", message, providerMessage })
  const output = await runSession(gateway, "Hi.")
  expect(output.error).toBe(`${message} Details: ${providerMessage}`)
  expect(JSON.stringify(logged)).toContain(reason)
  // An application may pass its events on to clients.
  expect(events.join()).not.toContain(reason)
  expect(JSON.stringify([result, output, logged])).not.toContain(key)
})
