import { createAnthropic } from "@ai-sdk/anthropic"
import { describe, expect, it, onTestFinished } from "vitest"
import { scriptedProvider } from "../../../testing/provider/scripted-provider.ts"
import { chooseProvider, type ProviderOptions } from "./choose-provider.ts"
import { type Environment, readEnvironment } from "./environment.ts"
import { startLocalServer } from "./fixtures/local-server.ts"

const nowhere = "http://127.0.0.1:1/v1"
const anthropic = { ANTHROPIC_API_KEY: "sk-1" }
const openai = { OPENAI_API_KEY: "sk-2" }

function choose(options: ProviderOptions, env: Environment = {}, mayGuess = true) {
  const settings = readEnvironment({ OLLAMA_BASE_URL: nowhere, ...env })
  return chooseProvider(options, { settings, mayGuess })
}

async function serveModels() {
  const server = await startLocalServer('{"data":[{"id":"llama4"}]}')
  onTestFinished(() => server.close())
  return server
}

describe("the provider of an agent", () => {
  it.each<[string, ProviderOptions, Environment, string]>([
    ["anthropic with its key, whatever else there is", {}, { ...anthropic, ...openai }, "anthropic"],
    ["anthropic with its token", {}, { ANTHROPIC_AUTH_TOKEN: "t", ...openai }, "anthropic"],
    ["anthropic with a key in code", { apiKey: "sk-3" }, openai, "anthropic"],
    ["openai with only its key", {}, openai, "openai"],
    ["openai where code configures it", { providerConfig: { headers: {} } }, openai, "openai"],
    ["what is named", { provider: "openai" }, { ...anthropic, ...openai }, "openai"],
    [
      "what is named, for a server of one's own",
      { provider: "openai-chat", providerConfig: { baseURL: nowhere } },
      {},
      "openai-chat",
    ],
    ["the demo where it is named", { provider: "demo" }, anthropic, "demo"],
  ])("is %s", async (_, options, env, name) => {
    const { url, requests } = await serveModels()
    expect(await choose(options, { ...env, OLLAMA_BASE_URL: url })).toMatchObject({
      provider: { name },
      name,
      guessed: false,
    })
    expect(requests()).toBe(0)
  })

  it("is the one given in code, whatever the environment contains", async () => {
    const provider = scriptedProvider([])
    expect(await choose({ provider }, anthropic)).toEqual({ provider, name: null, guessed: false })
  })

  it.each<[string, ProviderOptions, RegExp]>([
    ["made in code", { provider: scriptedProvider([]), apiKey: "sk-3" }, /apiKey/],
    ["the demo", { provider: "demo", providerConfig: {} }, /providerConfig/],
  ])("that is %s refuses options without effect", async (_, options, message) => {
    await expect(choose(options)).rejects.toThrow(message)
  })

  it("is a model of the AI SDK, wrapped", async () => {
    const provider = createAnthropic({ apiKey: "sk-3" })("claude-sonnet-5-5")
    expect(await choose({ provider }, openai)).toMatchObject({
      provider: { defaultModel: "claude-sonnet-5-5", priceList: "anthropic" },
      guessed: false,
    })
  })

  it("is a model server of this machine if there is no key, with its model and free of charge", async () => {
    const { url } = await serveModels()
    // Retries while the machine is too busy to detect the local server in time.
    const chosen = () => choose({}, { OLLAMA_BASE_URL: url })
    await expect.poll(chosen).toMatchObject({
      provider: { name: "openai-chat", defaultModel: "llama4", priceList: "free" },
      guessed: true,
    })
  })

  it("is the demo if there is nothing else", async () => {
    expect(await choose({})).toMatchObject({ provider: { name: "demo" }, guessed: true })
  })

  it("is not searched if guessing is not allowed", async () => {
    const { url, requests } = await serveModels()
    expect(await choose({}, { OLLAMA_BASE_URL: url }, false)).toMatchObject({ guessed: true })
    expect(requests()).toBe(0)
  })

  it.each<[ProviderOptions, Environment, string]>([
    [{ provider: "anthropic" }, openai, "set ANTHROPIC_API_KEY"],
    [{ provider: "openai" }, anthropic, "set OPENAI_API_KEY"],
    [{ provider: "openai-chat" }, anthropic, "set OPENAI_API_KEY"],
    [{ providerConfig: { baseURL: nowhere } }, {}, "needs a key"],
    [{ provider: "openai", providerConfig: { thinking: { type: "enabled" } } as never }, openai, "thinking"],
  ])("is refused for %j with the environment %j", async (options, env, message) => {
    await expect(choose(options, env)).rejects.toThrow(message)
  })
})

describe("the environment", () => {
  it("has a key before a token, and an empty variable is ignored", () => {
    const env = {
      ANTHROPIC_API_KEY: "k",
      ANTHROPIC_AUTH_TOKEN: "t",
      ANTHROPIC_BASE_URL: "",
      OPENAI_API_KEY: "",
    }
    expect(readEnvironment(env)).toMatchObject({
      anthropic: { apiKey: "k" },
      openai: {},
      localServer: "http://127.0.0.1:11434/v1",
    })
    expect(
      readEnvironment({ ANTHROPIC_API_KEY: "", ANTHROPIC_AUTH_TOKEN: "t", OPENAI_BASE_URL: "http://o" }),
    ).toMatchObject({
      anthropic: { authToken: "t" },
      openai: { baseURL: "http://o" },
    })
  })
})
