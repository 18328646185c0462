import { fileURLToPath } from "node:url"
import { Webhook } from "standardwebhooks"
import { describe, expect, onTestFinished, test } from "vitest"
import { startCli } from "../cli-process.ts"
import { assemble } from "../end-to-end/support/assemble.ts"
import { eventStream } from "../end-to-end/support/event-stream.ts"
import { temporaryFolder } from "../end-to-end/support/temporary-folder.ts"

const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`
const operatorKey = "an-operator-key-for-tests"
const agent = fileURLToPath(new URL("../../examples/15-plugin/agent.ts", import.meta.url))

interface Delivery {
  readonly id?: string
  readonly body?: string
  readonly sentAt?: Date
  readonly secret?: string
  /** The body that is sent in place of the signed one. */
  readonly sent?: string
}

/** Serves the example as its README says, and sends webhooks to it. */
async function serve() {
  const env = { WEBHOOK_SECRET: secret, AGENT_GATEWAY_OPERATOR_KEY: operatorKey }
  const cli = startCli(["dev", agent, "--port", "0"], { cwd: await temporaryFolder(), env })
  onTestFinished(async () => {
    cli.signal("SIGTERM")
    await cli.exited
  })
  const [, url = ""] = await cli.printed(/^Listening on (http:\S+),/m)
  const api = `${url}/api`
  return {
    deliver({ id = "delivery-1", body = message("Hello!"), sentAt = new Date(), ...given }: Delivery = {}) {
      const signature = new Webhook(given.secret ?? secret).sign(id, sentAt, body)
      return fetch(`${api}/webhooks/messages`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "webhook-id": id,
          "webhook-timestamp": String(Math.floor(sentAt.getTime() / 1_000)),
          "webhook-signature": signature,
        },
        body: given.sent ?? body,
      })
    },
    figures: (key = operatorKey) =>
      fetch(`${api}/webhooks/figures`, { headers: { authorization: `Bearer ${key}` } }),
  }
}

const message = (text: string) => JSON.stringify({ user: "ada", message: text })
const answer = async (response: Response) => assemble(await eventStream(response).rest())
const refusal = async (response: Response) => [response.status, JSON.parse(await response.text()).code]

describe("the webhooks of 15-plugin", () => {
  test("start a run and answer with its stream, once for each delivery", async () => {
    const { deliver, figures } = await serve()
    const first = await deliver()
    expect([first.status, first.headers.get("content-type")]).toEqual([200, "text/event-stream"])
    expect(await answer(first)).toMatchObject({
      text: expect.stringContaining("You said: “Hello!”"),
      terminal: { type: "stream_complete", terminal_disposition: "completed" },
    })
    const runId = first.headers.get("x-run-id")
    const repeated = await Promise.all(Array.from({ length: 3 }, () => deliver()))
    for (const response of repeated) {
      expect(response.headers.get("x-run-id")).toBe(runId)
      expect((await answer(response)).text).toContain("You said: “Hello!”")
    }
    const other = await deliver({ id: "delivery-2", body: message("Bye!") })
    expect(other.headers.get("x-run-id")).not.toBe(runId)
    expect((await answer(other)).text).toContain("You said: “Bye!”")
    const shown = JSON.parse(await (await figures()).text())
    expect(shown).toMatchObject({ deliveries: 5, repeated: 3, runs: 2, failedRuns: 0 })
    expect(shown.outputTokens).toBeGreaterThan(0)
    expect(shown.sessions).toHaveLength(2)
    expect(await refusal(await figures("wrong"))).toEqual([401, "invalid_credentials"])
  })

  test("refuse what is not signed, too old, too large or not what the id was used for", async () => {
    const { deliver } = await serve()
    const unverified = [401, "invalid_credentials"]
    const other = `whsec_${Buffer.alloc(32, 8).toString("base64")}`
    expect(await refusal(await deliver({ secret: other }))).toEqual(unverified)
    expect(await refusal(await deliver({ sent: message("Pay Eve!") }))).toEqual(unverified)
    expect(await refusal(await deliver({ sentAt: new Date(Date.now() - 301_000) }))).toEqual(unverified)
    expect(await refusal(await deliver({ sentAt: new Date(Date.now() + 310_000) }))).toEqual(unverified)
    expect(await refusal(await deliver({ body: "x".repeat(64 * 1_024 + 1) }))).toEqual([
      413,
      "body_too_large",
    ])
    expect((await deliver({ body: "[]" })).status).toBe(422)
    expect((await answer(await deliver())).text).toContain("Hello!")
    expect(await refusal(await deliver({ body: message("Other") }))).toEqual([422, "job_id_reused"])
  })

  test("refuse a flood from one address, and serve operators meanwhile", async () => {
    const { deliver, figures } = await serve()
    const statuses: number[] = []
    for (let sent = 0; sent < 130; sent++) {
      const response = await deliver({ sent: "forged" })
      statuses.push(response.status)
      await response.body?.cancel()
    }
    expect(statuses.slice(0, 30)).toEqual(Array.from({ length: 30 }, () => 401))
    expect(new Set(statuses.slice(30))).toEqual(new Set([429]))
    expect((await deliver()).status).toBe(429)
    expect(JSON.parse(await (await figures()).text())).toMatchObject({ deliveries: 0, runs: 0 })
  })
})
