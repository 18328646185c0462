import { describe, expect, it } from "vitest"
import { scriptedProvider } from "../testing/scripted-provider.ts"
import { chooseProvider } from "./choose-provider.ts"
import { settingsFrom } from "./environment.ts"

const none = settingsFrom({})
const withKey = settingsFrom({ ANTHROPIC_API_KEY: "sk-1", ANTHROPIC_BASE_URL: "http://127.0.0.1:1" })

describe("the provider of an agent", () => {
  it("is Anthropic when the environment has a key or a token", () => {
    expect(chooseProvider({}, withKey)).toMatchObject({ provider: { name: "anthropic" }, fallback: false })
    const token = settingsFrom({ ANTHROPIC_AUTH_TOKEN: "t" })
    expect(chooseProvider({}, token)).toMatchObject({ provider: { name: "anthropic" }, fallback: false })
  })

  it("is the demo for want of a key, and that is told", () => {
    expect(chooseProvider({}, none)).toMatchObject({ provider: { name: "demo" }, fallback: true })
  })

  it("is the demo when that is what was asked for", () => {
    expect(chooseProvider({ provider: "demo" }, withKey)).toMatchObject({
      provider: { name: "demo" },
      fallback: false,
    })
  })

  it("is what the code gives, whatever the environment says", () => {
    const provider = scriptedProvider([])
    expect(chooseProvider({ provider }, withKey).provider).toBe(provider)
    expect(chooseProvider({ apiKey: "sk-2" }, none).provider.name).toBe("anthropic")
  })

  it("cannot be Anthropic without a key", () => {
    expect(() => chooseProvider({ provider: "anthropic" }, none)).toThrow("set ANTHROPIC_API_KEY")
    expect(() => chooseProvider({ providerConfig: { baseURL: "http://127.0.0.1:1" } }, none)).toThrow(
      "needs a key",
    )
  })

  it("takes a key before a token, and an empty variable for none", () => {
    const both = settingsFrom({ ANTHROPIC_API_KEY: "k", ANTHROPIC_AUTH_TOKEN: "t", ANTHROPIC_BASE_URL: "" })
    expect(both.anthropic).toEqual({ apiKey: "k" })
    expect(settingsFrom({ ANTHROPIC_API_KEY: "", ANTHROPIC_AUTH_TOKEN: "t" }).anthropic).toEqual({
      authToken: "t",
    })
  })
})
