import { subscribe, unsubscribe } from "node:diagnostics_channel"
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { createServer, type IncomingHttpHeaders } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { buffer } from "node:stream/consumers"
import { Webhook } from "standardwebhooks"
import { describe, expect, it, onTestFinished } from "vitest"
import { UndeliverableError } from "../../core/errors.ts"
import { noUsage } from "../../core/usage.ts"
import { isPrivateAddress } from "../../platform/network/private-address.ts"
import { writeBriefing } from "./briefing-file.ts"
import { createChannels } from "./channels.ts"
import { checkDeliveryOptions, type Delivery, type DeliveryOptions } from "./options.ts"
import { sendSlack } from "./slack.ts"
import { splitText } from "./split-text.ts"
import { sendTelegram } from "./telegram.ts"
import { sendWebhook } from "./webhook.ts"

const delivered: Delivery = {
  id: "webhook_run_1",
  agent: "agent",
  sessionId: "sess_1",
  runId: "run_1",
  endedAt: 1_000,
  outcome: "completed",
  reason: null,
  error: null,
  response: "Done — “so it is”.",
  toolsUsed: ["search"],
  state: { topics: ["tea"] },
  usage: noUsage,
  cost: 0.5,
}
const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`
const { signal } = new AbortController()

interface Received {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly bytes: Buffer
}

interface Reply {
  readonly status: number
  readonly headers?: Record<string, string>
  readonly body?: string
  /** If set, the body has a beginning only. After it, the connection is destroyed or stays open. */
  readonly unended?: "destroyed" | "open"
}

/** Responds to each request with the next of these replies. Null breaks the connection. */
async function receiver(...replies: readonly (Reply | null)[]) {
  const received: Received[] = []
  const server = createServer(async (request, response) => {
    const reply = replies[received.length]
    const bytes = await buffer(request)
    received.push({ path: request.url ?? "", headers: request.headers, body: bytes.toString(), bytes })
    if (reply === null) request.socket.destroy()
    else if (reply?.unended !== undefined) {
      response.writeHead(reply.status, { "content-length": "1000" })
      response.write("Accepted", () => {
        if (reply.unended === "destroyed") response.destroy()
      })
    } else response.writeHead(reply?.status ?? 200, reply?.headers).end(reply?.body ?? "reply")
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return { received, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

describe("a webhook", () => {
  it("is signed like Standard Webhooks, with the id of the delivery", async () => {
    const { received, url } = await receiver()
    await sendWebhook(
      { url, secret, headers: { "x-own": "1" }, allowPrivateAddresses: true },
      delivered,
      signal,
    )
    const [request] = received
    expect(request?.headers).toMatchObject({ "webhook-id": "webhook_run_1", "x-own": "1" })
    const verified = new Webhook(secret).verify(
      request?.body ?? "",
      request?.headers as Record<string, string>,
    )
    expect(verified).toMatchObject({
      type: "run.completed",
      data: {
        run_id: "run_1",
        response: delivered.response,
        summary: `Status: completed\nUsage: in=0 out=0 cost=$0.5000\nTools: search\n\n${delivered.response}`,
        tools_used: ["search"],
        state: { topics: ["tea"] },
        usage: { estimated_cost: 0.5 },
      },
    })
    const other = new Webhook(`whsec_${Buffer.alloc(32, 8).toString("base64")}`)
    expect(() => other.verify(request?.body ?? "", request?.headers as Record<string, string>)).toThrow()
  })

  it("receives the trace of its run", async () => {
    const { received, url } = await receiver()
    const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    await sendWebhook({ url, allowPrivateAddresses: true }, { ...delivered, traceparent }, signal)
    expect(received[0]?.headers.traceparent).toBe(traceparent)
  })

  it("follows no redirect", async () => {
    const { received, url } = await receiver({ status: 302, headers: { location: "/elsewhere" } })
    await expect(sendWebhook({ url, allowPrivateAddresses: true }, delivered, signal)).rejects.toThrow("302")
    expect(received).toHaveLength(1)
  })

  it.each([
    "http://127.0.0.1:1",
    "http://[::1]:1",
    "http://localhost:1",
    "http://169.254.169.254",
    "http://[::ffff:10.0.0.1]",
  ])("is not sent to %s unless that is allowed", async (url) => {
    await expect(sendWebhook({ url }, delivered, signal)).rejects.toBeInstanceOf(UndeliverableError)
  })

  it.each([
    [400, true],
    [404, true],
    [410, true],
    [408, false],
    [429, false],
    [500, false],
    [503, false],
  ])("that receives status %i is undeliverable: %s", async (status, isFinal) => {
    const { url } = await receiver({ status })
    const error = await sendWebhook({ url, allowPrivateAddresses: true }, delivered, signal).catch((e) => e)
    expect(error).toBeInstanceOf(Error)
    expect(error instanceof UndeliverableError).toBe(isFinal)
  })

  it("has arrived if its status says so, and the connection is cut off in the body", async () => {
    const { url } = await receiver({ status: 200, unended: "destroyed" })
    await expect(
      sendWebhook({ url, allowPrivateAddresses: true }, delivered, signal),
    ).resolves.toBeUndefined()
  })

  it.each([
    [200, "arrived"],
    [503, "failed"],
  ])("with status %i and a body that never ends has %s when its time is over", async (status, expected) => {
    const { url } = await receiver({ status, unended: "open" })
    const time = new AbortController()
    const onResponse = () => setImmediate(() => time.abort())
    subscribe("http.client.response.finish", onResponse)
    onTestFinished(() => void unsubscribe("http.client.response.finish", onResponse))
    const sent = sendWebhook({ url, allowPrivateAddresses: true }, delivered, time.signal)
    const outcome = await sent.then(
      () => "arrived",
      () => "failed",
    )
    expect(outcome).toBe(expected)
  })

  it("ends when its signal aborts", async () => {
    const { url } = await receiver()
    const aborted = AbortSignal.abort()
    await expect(sendWebhook({ url, allowPrivateAddresses: true }, delivered, aborted)).rejects.toThrow()
  })
})

it.each([
  ["8.8.8.8", false],
  ["2606:4700::1111", false],
  ["100.64.1.1", true],
  ["::ffff:192.168.1.1", true],
  ["64:ff9b::a00:1", true],
  ["fd00::1", true],
  ["255.255.255.255", true],
])("%s is private: %s", (address, isPrivate) => {
  expect(isPrivateAddress(address)).toBe(isPrivate)
})

describe("Telegram", () => {
  const options = (apiUrl: string) => ({ botToken: "1:abc", chatId: "42", apiUrl })

  it("receives plain text, in parts of at most 4096 characters", async () => {
    const { received, url } = await receiver()
    const paragraphs = Array.from({ length: 30 }, (_, n) => `${n} ${"*_[x](y) ".repeat(30)}`.trim())
    await sendTelegram({ ...options(url), label: "Nightly" }, paragraphs.join("\n\n"), { signal })
    const texts = received.map(({ body }) => JSON.parse(body))
    expect(received[0]?.path).toBe("/bot1:abc/sendMessage")
    expect(texts.length).toBe(3)
    expect(texts.every(({ text: part }) => part.length <= 4_096)).toBe(true)
    expect(texts.every((message) => !("parse_mode" in message))).toBe(true)
    expect(texts.map(({ text: part }) => part).join("\n\n")).toBe(`Nightly\n${paragraphs.join("\n\n")}`)
  })

  it("does not receive a message again that may have arrived, unless that is configured", async () => {
    const { url } = await receiver(null, null)
    const error = await sendTelegram(options(url), "Hello", { signal }).catch((e) => e)
    expect(error).toBeInstanceOf(UndeliverableError)
    expect(error.message).toMatch(/^unknown: 0 of 1 /)
    const again = await sendTelegram({ ...options(url), onUnknown: "resend" }, "Hello", { signal }).catch(
      (e) => e,
    )
    expect(again).not.toBeInstanceOf(UndeliverableError)
  })

  it("receives files after the text, each as a document under its name", async () => {
    const { received, url } = await receiver()
    const files = [
      { name: 're"port\r\n.md', content: "# Report", caption: "All of it" },
      { name: "chart.png", content: new Uint8Array([0, 255, 13, 10]) },
    ]
    await sendTelegram(options(url), "Done.", { files, signal })
    expect(received.map(({ path }) => path)).toEqual([
      "/bot1:abc/sendMessage",
      "/bot1:abc/sendDocument",
      "/bot1:abc/sendDocument",
    ])
    const [report, chart] = await Promise.all(
      received.slice(1).map(({ headers, bytes }) => {
        const type = headers["content-type"] ?? ""
        return new Response(new Uint8Array(bytes), { headers: { "content-type": type } }).formData()
      }),
    )
    expect([report?.get("chat_id"), report?.get("caption")]).toEqual(["42", "All of it"])
    const [text, image] = [report?.get("document") as File, chart?.get("document") as File]
    expect([text.name, await text.text()]).toEqual([expect.stringContaining("port"), "# Report"])
    expect([...(await image.bytes())]).toEqual([0, 255, 13, 10])
    expect(chart?.get("caption")).toBeNull()
  })

  it.each([
    ["completed", { outcome: "completed", reason: null }, delivered.response],
    ["budget exceeded", { outcome: "interrupted", reason: "budget" }, delivered.response],
    ["max turns reached", { outcome: "interrupted", reason: "max_turns" }, delivered.response],
    ["timed out", { outcome: "interrupted", reason: "timeout" }, delivered.response],
    ["interrupted: max_tokens", { outcome: "interrupted", reason: "max_tokens" }, delivered.response],
    ["failed", { outcome: "failed", error: { code: "x", message: "It broke." } }, "Error: It broke."],
  ] as const)(
    "receives the status `%s`, the usage and the tools before the response",
    async (status, end, text) => {
      const { received, url } = await receiver()
      const channels = { telegram: { ...options(url), label: "Nightly" } }
      const send = async (more: DeliveryOptions = {}) => {
        const [channel] = createChannels({ ...channels, ...more }, { keepNewer: true })
        await channel?.send({ ...delivered, ...end }, signal)
        return JSON.parse(received.at(-1)?.body ?? "").text
      }
      expect(await send()).toBe(
        `Nightly\nStatus: ${status}\nUsage: in=0 out=0 cost=$0.5000\nTools: search\n\n${text}`,
      )
      expect(await send({ formatMessage: ({ state }) => JSON.stringify(state) })).toBe(
        'Nightly\n{"topics":["tea"]}',
      )
    },
  )

  describe("with sendFile", () => {
    const send = async (content: string | Uint8Array | null) => {
      const folder = await mkdtemp(join(tmpdir(), "agent-gateway-report-"))
      onTestFinished(() => rm(folder, { recursive: true, force: true }))
      const sendFile = join(folder, "report.md")
      if (content !== null) await writeFile(sendFile, content)
      const { received, url } = await receiver()
      const [channel] = createChannels({ telegram: options(url), sendFile }, { keepNewer: true })
      await channel?.send(delivered, signal)
      if (content !== null) expect(await readFile(sendFile)).toEqual(Buffer.from(content))
      return received.slice(1)
    }
    const kinds = (received: readonly Received[]) => received.map(({ path }) => path.split("/").at(-1))

    it("receives the report that the agent wrote after the text, and the file stays as it is", async () => {
      const received = await send("# Report\n\nAll is well.\n")
      expect(received.map(({ body }) => JSON.parse(body).text)).toEqual(["# Report\n\nAll is well."])
    })

    it.each([
      ["is missing", null],
      ["is blank", " \n"],
    ])("receives only the text if the file %s", async (_what, content) => {
      expect(await send(content)).toEqual([])
    })

    it("receives a long text in parts, and a longer or binary file as a document", async () => {
      expect(kinds(await send("x".repeat(5_000)))).toEqual(["sendMessage", "sendMessage"])
      expect(kinds(await send("x".repeat(100_001)))).toEqual(["sendDocument"])
      expect(kinds(await send(new Uint8Array([255, 216])))).toEqual(["sendDocument"])
    })
  })

  it("is awaited if the chat is rate limited for a moment", async () => {
    const { received, url } = await receiver({ status: 429, body: '{"parameters":{"retry_after":0}}' })
    await sendTelegram(options(url), "Hello", { signal })
    expect(received).toHaveLength(2)
  })

  it("does not receive a message again after parts of it arrived", async () => {
    const { url } = await receiver({ status: 200 }, { status: 500 })
    const error = await sendTelegram(options(url), "x ".repeat(3_000), { signal }).catch((e) => e)
    expect(error).toBeInstanceOf(UndeliverableError)
    expect(error.message).toMatch(/^unknown: 1 of 2 messages arrived: /)
  })

  it("receives another attempt after a temporary refusal", async () => {
    const { url } = await receiver({ status: 429 })
    const error = await sendTelegram(options(url), "Hello", { signal }).catch((e) => e)
    expect(error).not.toBeInstanceOf(UndeliverableError)
    expect(error.message).not.toContain("1:abc")
  })
})

it("Slack receives text without markup", async () => {
  const { received, url } = await receiver()
  await sendSlack({ webhookUrl: url, allowPrivateAddresses: true }, "<!channel> a & b > c", signal)
  expect(JSON.parse(received[0]?.body ?? "")).toMatchObject({
    text: "&lt;!channel&gt; a &amp; b &gt; c",
    mrkdwn: false,
  })
})

it("Slack does not receive a message again that may have arrived", async () => {
  const { url } = await receiver(null, null)
  const options = { webhookUrl: url, allowPrivateAddresses: true }
  await expect(sendSlack(options, "Hello", signal)).rejects.toThrow(/^unknown: /)
  const again = await sendSlack({ ...options, onUnknown: "resend" }, "Hello", signal).catch((e) => e)
  expect(again).not.toBeInstanceOf(UndeliverableError)
})

describe("splitText", () => {
  it("keeps all text and no half characters", () => {
    const long = "😀".repeat(5_000)
    const parts = splitText(long, 4_096)
    expect(parts.join("")).toBe(long)
    expect(parts.every((part) => part.isWellFormed() && part.length <= 4_096)).toBe(true)
    expect(splitText("  ", 10)).toEqual([])
    expect(splitText("one two three", 9)).toEqual(["one two", "three"])
  })
})

it("a briefing file is replaced atomically", async () => {
  const folder = await mkdtemp(join(tmpdir(), "agent-gateway-briefing-"))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const path = join(folder, "deep", "briefing.md")
  await writeBriefing(path, "One", 1_000)
  await Promise.all(["Two", "Three"].map((each) => writeBriefing(path, each, 2_000)))
  expect(await readFile(path, "utf8")).toMatch(/^(Two|Three)\n$/)
  expect(await readdir(join(folder, "deep"))).toEqual(["briefing.md"])
})

it.each([
  [true, "The later run.\n"],
  [false, "The earlier run.\n"],
])("a retried delivery does not replace the briefing of a later run: %s", async (keepNewer, text) => {
  const folder = await mkdtemp(join(tmpdir(), "agent-gateway-briefing-"))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const path = join(folder, "briefing.md")
  const [channel] = createChannels({ writeFile: path }, { keepNewer })
  const earlier = { ...delivered, response: "The earlier run." }
  await channel?.send({ ...earlier, endedAt: 1_700_000_000_001 }, signal)
  await channel?.send({ ...delivered, response: "The later run.", endedAt: 1_700_000_000_002 }, signal)
  await channel?.send({ ...earlier, endedAt: 1_700_000_000_001 }, signal)
  expect(await readFile(path, "utf8")).toBe(text)
})

it.each<[DeliveryOptions, string]>([
  [{ webhook: { url: "ftp://x" } }, "webhook.url"],
  [{ webhook: { url: "https://example.com", secret: "short" } }, "webhook.secret"],
  [{ email: { url: "https://mail", from: "a@b", to: "c@d" } }, "email.url"],
  [{ email: { url: "smtp://user:short@mail", from: "a@b", to: [] } }, "email.to"],
  [{ mispelt: 1 } as DeliveryOptions, "mispelt"],
  [{ sendFile: "short.md" }, "sendFile sends the file to Telegram"],
])("the options %j are refused without showing their values", (options, name) => {
  expect(() => checkDeliveryOptions(options)).toThrow(name)
  expect(() => checkDeliveryOptions(options)).not.toThrow("short")
})

it.each(["briefingFile", "briefing_file"])(
  "the former option %s is refused with both of its successors",
  (name) => {
    expect(() => checkDeliveryOptions({ [name]: "a.md" } as DeliveryOptions)).toThrow(
      `unknown option ${name} (use sendFile to send a file that the agent wrote to Telegram, or writeFile to write`,
    )
  },
)

it.each([
  ["telegram_bot_token", "telegram: { botToken }"],
  ["telegram_chat_id", "telegram: { chatId }"],
  ["telegram_label", "telegram: { label }"],
  ["webhook_url", "webhook: { url }"],
  ["on_complete", "onComplete"],
])("the option %s of the Python package is refused with the option here", (name, here) => {
  expect(() => checkDeliveryOptions({ [name]: "x" } as DeliveryOptions)).toThrow(here)
})
