import { describe, expect, it, onTestFinished, vi } from "vitest"
import type { Session } from "../core/ports/session-log.ts"
import { scriptedProvider } from "../testing/scripted-provider.ts"
import { startScriptedUpstream } from "../testing/scripted-upstream.ts"
import { chooseProvider, type ProviderOptions } from "./choose-provider.ts"
import { providerForSession, type ResolveCredentials } from "./credentials.ts"
import { settingsFrom } from "./environment.ts"

const none = settingsFrom({})
const session: Session = {
  id: "sess_1",
  tenant: "t",
  userId: "alice",
  agent: "agent",
  createdAt: 0,
  lastUsedAt: 0,
  revokedAt: null,
  lastSeq: 0,
  activeRun: null,
}

function providers(credentials: unknown, options: ProviderOptions = {}, settings = none) {
  const resolve = vi.fn(() => credentials) as unknown as ResolveCredentials
  return providerForSession(chooseProvider(options, settings), options, settings, resolve)
}

describe("the provider of a session", () => {
  it("is the app's where nobody resolves credentials, and for a user without any", async () => {
    const chosen = chooseProvider({}, none)
    expect(await providerForSession(chosen, {}, none, undefined)(session)).toBe(chosen.provider)
    expect(await providerForSession(chosen, {}, none, () => null)(session)).toBe(chosen.provider)
  })

  it("is Anthropic with the user's key or token, kept for the same key", async () => {
    const resolve = vi
      .fn<ResolveCredentials>()
      .mockReturnValueOnce({ apiKey: "a" })
      .mockReturnValueOnce({ authToken: "a" })
      .mockReturnValue({ apiKey: "a" })
    const providerFor = providerForSession(chooseProvider({}, none), {}, none, resolve)
    const first = await providerFor(session)
    expect(first.name).toBe("anthropic")
    expect(await providerFor(session)).not.toBe(first)
    expect(await providerFor(session)).toBe(first)
  })

  it.each([{}, { apiKey: undefined }, { apiKey: "a", authToken: "b" }, { apiKey: "" }, { key: "a" }, "a"])(
    "is none for credentials like %j",
    async (credentials) => {
      const failure = { code: "invalid_configuration" }
      await expect(providers(credentials)(session)).rejects.toMatchObject(failure)
      const appKey = settingsFrom({ ANTHROPIC_API_KEY: "sk-app" })
      await expect(providers(credentials, {}, appKey)(session)).rejects.toMatchObject(failure)
    },
  )

  it.each([
    ["the demo", "demo"],
    ["one of the app's own", scriptedProvider([])],
  ] as const)("cannot be %s with a user's key", async (_, provider) => {
    await expect(providers({ apiKey: "a" }, { provider })(session)).rejects.toThrow(
      "resolveCredentials needs",
    )
  })

  it("is reached where the environment says, with the user's key in place of the app's", async () => {
    const upstream = await startScriptedUpstream([{ status: 401, steps: ["{}"] }])
    onTestFinished(() => upstream.close())
    const settings = settingsFrom({ ANTHROPIC_AUTH_TOKEN: "app-key", ANTHROPIC_BASE_URL: upstream.url })
    const provider = await providers({ apiKey: "user-key" }, { authToken: "app-key" }, settings)(session)
    const request = { model: "m", system: [], messages: [], tools: [], maxTokens: 1 }
    const { signal } = new AbortController()
    for await (const _ of provider.stream(request, { signal }));
    const [received] = upstream.requests.map(({ headers }) => JSON.stringify(headers))
    expect(received).toContain("user-key")
    expect(received).not.toContain("app-key")
  })
})
