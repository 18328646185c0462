import { describe, expect, it, onTestFinished, vi } from "vitest"
import { chooseProvider, type ProviderOptions } from "../../adapters/providers/choose/choose-provider.ts"
import { type Environment, readEnvironment } from "../../adapters/providers/choose/environment.ts"
import type { Session } from "../../core/ports/store/session-log.ts"
import { scriptedProvider } from "../../testing/provider/scripted-provider.ts"
import { startScriptedUpstream } from "../../testing/provider/scripted-upstream.ts"
import { createProviderChooser, type ResolveCredentials } from "./credentials.ts"

const session: Session = {
  id: "sess_1",
  tenant: "t",
  userId: "alice",
  agent: "agent",
  createdAt: 0,
  lastUsedAt: 0,
  revokedAt: null,
  externalId: null,
  parent: null,
  rootId: "sess_1",
  depth: 0,
  lastSeq: 0,
  storedBytes: 0,
  activeRun: null,
  hasDueWork: false,
}

const { signal } = new AbortController()

/** Resolves to the providers of a session for these credentials of its user. */
async function providers(credentials: unknown, options: ProviderOptions = {}, env: Environment = {}) {
  const resolve = vi.fn(() => credentials) as unknown as ResolveCredentials
  return (await providersOfApp(resolve, options, env))(session, signal)
}

async function providersOfApp(
  resolve: ResolveCredentials | undefined,
  options: ProviderOptions = {},
  env: Environment = {},
) {
  const settings = readEnvironment({ OLLAMA_BASE_URL: "http://127.0.0.1:1/v1", ...env })
  const chosen = await chooseProvider(options, { settings, mayGuess: true })
  return createProviderChooser(chosen, options, settings, resolve)
}

describe("the provider of a session", () => {
  it("is the app's if there is no resolveCredentials, and for a user without credentials", async () => {
    const provider = scriptedProvider([])
    expect((await (await providersOfApp(undefined, { provider }))(session, signal)).main).toBe(provider)
    expect((await providers(null, { provider })).main).toBe(provider)
  })

  it("is Anthropic with the user's key or token, kept for the same key", async () => {
    const resolve = vi
      .fn<ResolveCredentials>()
      .mockReturnValueOnce({ apiKey: "a" })
      .mockReturnValueOnce({ authToken: "a" })
      .mockReturnValue({ apiKey: "a" })
    const providersFor = await providersOfApp(resolve)
    const { main } = await providersFor(session, signal)
    expect(main.name).toBe("anthropic")
    expect((await providersFor(session, signal)).main).not.toBe(main)
    expect((await providersFor(session, signal)).main).toBe(main)
  })

  it.each<[string, ProviderOptions, Environment]>([
    ["openai", {}, { OPENAI_API_KEY: "sk-app" }],
    ["openai", { provider: "openai", apiKey: "sk-app" }, {}],
    ["openai-chat", { provider: "openai-chat", providerConfig: { baseURL: "http://127.0.0.1:1" } }, {}],
  ])("is %s with the user's key if the app uses that provider", async (name, options, env) => {
    const { main } = await providers({ apiKey: "a" }, options, env)
    expect(main.name).toBe(name)
    expect(main).not.toBe((await providers(null, options, env)).main)
  })

  it.each([{}, { apiKey: undefined }, { apiKey: "a", authToken: "b" }, { apiKey: "" }, { key: "a" }, "a"])(
    "is none for credentials like %j",
    async (credentials) => {
      const failure = { code: "invalid_configuration" }
      await expect(providers(credentials)).rejects.toMatchObject(failure)
      const appKey = { ANTHROPIC_API_KEY: "sk-app" }
      await expect(providers(credentials, {}, appKey)).rejects.toMatchObject(failure)
    },
  )

  it.each([
    ["the demo", "demo"],
    ["one of the app's own", scriptedProvider([])],
  ] as const)("cannot be %s with a user's key", async (_, provider) => {
    await expect(providers({ apiKey: "a" }, { provider })).rejects.toThrow("resolveCredentials needs")
  })

  it("has the address from the environment, with the user's key in place of the app's", async () => {
    const upstream = await startScriptedUpstream([{ status: 401, steps: ["{}"] }])
    onTestFinished(() => upstream.close())
    const env = { ANTHROPIC_AUTH_TOKEN: "app-key", ANTHROPIC_BASE_URL: upstream.url }
    const { main: provider } = await providers({ apiKey: "user-key" }, { authToken: "app-key" }, env)
    const request = { model: "m", system: [], messages: [], tools: [], maxTokens: 1 }
    const { signal } = new AbortController()
    for await (const _ of provider.stream(request, { signal }));
    const [received] = upstream.requests.map(({ headers }) => JSON.stringify(headers))
    expect(received).toContain("user-key")
    expect(received).not.toContain("app-key")
  })
})

describe("a provider that a run chooses", () => {
  const env = { ANTHROPIC_API_KEY: "sk-1", OPENAI_API_KEY: "sk-2" }

  it("is the app's own by its name, or any other with a key in the environment, created once", async () => {
    const { main, resolve } = await providers(null, {}, env)
    expect(resolve("anthropic")).toBe(main)
    expect(resolve("openai")).toMatchObject({ name: "openai" })
    expect(resolve("openai")).toBe(resolve("openai"))
    const own = scriptedProvider([])
    expect(resolve(own)).toBe(own)
  })

  it("is refused without a key for it", async () => {
    const { resolve } = await providers(null, { provider: "demo" })
    expect(() => resolve("openai")).toThrow("set OPENAI_API_KEY")
  })

  it("with a user's own key, is never one that the app would pay for", async () => {
    const { main, resolve } = await providers({ apiKey: "a" }, {}, env)
    expect(resolve("anthropic")).toBe(main)
    expect(resolve("demo")).toMatchObject({ name: "demo" })
    expect(() => resolve("openai")).toThrow("cannot use openai")
  })
})
