import { describe, expect, it } from "vitest"
import { testPluginServices } from "../../testing/plugin/plugin-services.ts"
import { delivery } from "./plugin.ts"
import { findRefusal } from "./private-address.ts"

const post = (url: string) => ({ channel: "webhook", url, allowPrivateAddresses: false }) as const

describe("a delivery that would be refused", () => {
  it.each([
    "http://127.0.0.1:3000/hook",
    "http://[::1]/",
    "http://10.1.2.3",
    "http://localhost:3000",
    "http://a.localhost",
  ])("is known before the first one is made: %s", async (url) => {
    const reason = await findRefusal(post(url), { resolves: false })
    expect(reason).toContain(new URL(url).hostname.replace(/[[\]]/g, ""))
    expect(reason).toContain("delivery({ webhook: { …, allowPrivateAddresses: true } })")
    expect(await findRefusal({ ...post(url), allowPrivateAddresses: true }, { resolves: true })).toBeNull()
  })

  it("is not claimed for a public address, nor for a name that cannot be looked up", async () => {
    expect(await findRefusal(post("https://192.0.2.1/hook"), { resolves: true })).toBeNull()
    expect(await findRefusal(post("https://no-such-host.invalid/hook"), { resolves: true })).toBeNull()
  })
})

describe("the plugin", () => {
  async function open(url: string) {
    const warnings: object[] = []
    const logger = { debug() {}, info() {}, warn: (fields: object) => void warnings.push(fields), error() {} }
    const parts = await delivery({ webhook: { url } }).setup(testPluginServices({ logger }))
    const checks = (isOperator: boolean) => parts.checks?.({ isOperator, showsLinks: isOperator })
    return { warnings, checks, start: () => parts.start?.() }
  }

  it("reports it to operators with the remedy, and to others without", async () => {
    const { checks, start, warnings } = await open("http://127.0.0.1:3000/hook?key=secret")
    const detail = expect.stringMatching(/127\.0\.0\.1.*allowPrivateAddresses/)
    expect(await checks(true)).toEqual([{ part: "webhook", ok: false, detail }])
    expect(await checks(false)).toEqual([{ part: "webhook", ok: false }])
    expect(JSON.stringify(await checks(true))).not.toContain("secret")
    await start()
    expect(warnings).toEqual([{ channel: "webhook", reason: detail }])
  })

  it("reports a webhook that may work as such", async () => {
    const { checks, start, warnings } = await open("https://192.0.2.1/hook")
    expect(await checks(true)).toEqual([{ part: "webhook", ok: true }])
    await start()
    expect(warnings).toEqual([])
  })
})
