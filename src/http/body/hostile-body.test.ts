import { describe, expect, it } from "vitest"
import { createJsonRequest, createTestApp, readProblem } from "../fixtures/test-app.ts"

const fourMegabytes = 4 * 1024 * 1024

/** Returns an array with as many of these elements as fit into a body. */
function many(element: string, bytes = fourMegabytes - 200): string {
  return `${`${element},`.repeat(Math.floor(bytes / (element.length + 1)) - 1)}${element}`
}

/** Resolves to the CPU milliseconds of this thread until the promise settles. Other threads do not count. */
async function threadMs(work: () => Promise<unknown>): Promise<number> {
  const before = process.threadCpuUsage()
  await work()
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1000
}

const hostile = {
  "empty blocks": `{"message":[${many("{}")}]}`,
  "numbers for messages": `{"messages":[${many("0")}]}`,
  "empty messages": `{"messages":[${many('{"role":"user","content":[]}')}]}`,
  "numbers in the context": `{"message":"hi","context":{"a":[${many("0")}]}}`,
  "unknown fields": `{"message":"hi",${many('"k":0')}}`,
  "nested arrays": `{"message":"hi","a":[${many("[".repeat(60) + "]".repeat(60))}]}`,
  brackets: "[{".repeat(fourMegabytes / 2),
}

describe("a body of 4 MiB full of values", () => {
  it.each(Object.entries(hostile))("such as %s is refused before it is parsed", async (_, body) => {
    const app = createTestApp()
    const { headers } = await app.authorize()
    const request = createJsonRequest(body, headers)
    let response: Response | undefined
    const spent = await threadMs(async () => {
      response = await app.fetch("/api/chat", request)
    })
    expect(response?.status).toBe(422)
    // Before the limit existed, this took between 200 and 4 000 milliseconds.
    expect(spent).toBeLessThan(100)
    expect(app.sessions.starts).toEqual([])
  })

  it("is refused with the limit that it exceeds", async () => {
    const app = createTestApp({ limits: { jsonValues: 100 } })
    const { headers } = await app.authorize()
    const response = await app.fetch(
      "/api/chat",
      createJsonRequest({ message: Array(200).fill({}) }, headers),
    )
    const { code, detail } = await readProblem(response)
    expect(code).toBe("too_many_values")
    expect(detail).toContain("100 JSON values")
  })

  it("is refused on every route, and sooner where a request is small", async () => {
    const app = createTestApp()
    const { headers } = await app.authorize()
    for (const path of ["tool-result", "tool-approval", "elicitation", "cancel"]) {
      const body = `{"result":[${many("0", 200_000)}]}`
      const response = await app.fetch(`/api/chat/${path}`, createJsonRequest(body, headers))
      expect(await readProblem(response)).toMatchObject({ status: 422, code: "too_many_values" })
    }
    const fields = `{"api_key":"key",${many('"k":0', 1_000)}}`
    const response = await app.fetch("/api/chat/init", createJsonRequest(fields))
    expect(await readProblem(response)).toMatchObject({ status: 422, code: "too_many_values" })
  })
})

describe("a body with as many wrong values as the limit allows", () => {
  const asMany = (element: string, tokens: number) =>
    Array(Math.floor(19_000 / tokens))
      .fill(element)
      .join(",")

  it.each([
    ["numbers", `{"messages":[${asMany("0", 1)}]}`, "messages.0"],
    ["empty objects", `{"messages":[${asMany("{}", 2)}]}`, "messages.0"],
    ["wrong roles", `{"messages":[${asMany('{"role":"x"}', 4)}]}`, "messages.0"],
    ["wrong blocks", `{"message":[${asMany("{}", 2)}]}`, "message"],
    [
      "wrong blocks in a message",
      `{"messages":[{"role":"user","content":[${asMany("0", 1)}]}]}`,
      "messages.0",
    ],
  ])("is refused after the first few: %s", async (_, body, path) => {
    const app = createTestApp()
    const { headers } = await app.authorize()
    let response: Response | undefined
    const spent = await threadMs(async () => {
      response = await app.fetch("/api/chat", createJsonRequest(body, headers))
    })
    const { code, errors } = await readProblem(response as Response)
    expect(code).toBe("invalid_body")
    expect(errors).toHaveLength(20)
    expect((errors as { path: string }[])[0]?.path).toContain(path)
    expect(spent).toBeLessThan(100)
  })
})

describe("a legal body of 4 MiB", () => {
  const image = "iVBORw0K".repeat(fourMegabytes / 8 - 100)
  const source = { type: "base64", media_type: "image/png", data: image }

  it.each([
    ["a long text", { message: "x".repeat(fourMegabytes - 100) }],
    ["a long text in two-byte letters", { message: "é".repeat(fourMegabytes / 2 - 100) }],
    ["an image", { message: [{ type: "image", source }] }],
    [
      "a conversation of 2 000 messages",
      { messages: Array(2_001).fill({ role: "user", content: "x".repeat(2_000) }) },
    ],
  ])("is accepted: %s", async (_, body) => {
    const app = createTestApp({ agents: [{ name: "agent", usesRequests: true }] })
    const { headers } = await app.authorize()
    const once = { ...headers, "idempotency-key": "once" }
    const response = await app.fetch("/api/chat", createJsonRequest(body, once))
    expect(response.status).toBe(200)
    const [start] = app.sessions.starts
    expect(await start?.request?.().json()).toEqual(body)
    app.sessions.end()
    await response.text()
  })
})

describe("addresses of images", () => {
  const chat = async (url: string, times: number) => {
    const app = createTestApp()
    const { headers } = await app.authorize()
    const message = Array(times).fill({ type: "image", source: { type: "url", url } })
    const request = createJsonRequest({ message }, headers)
    const answer = { status: 0, spent: 0 }
    answer.spent = await threadMs(async () => {
      const response = await app.fetch("/api/chat", request)
      answer.status = response.status
      app.sessions.end()
      await response.text()
    })
    return answer
  }

  it.each([
    ["a host of umlauts", `https://${"ü".repeat(4_000)}/`],
    ["many labels of umlauts", `https://${"ü.".repeat(2_700)}/`],
  ])("do not block the event loop: %s", async (_, url) => {
    const { status, spent } = await chat(url, 500)
    expect(status).toBe(422)
    // Parsing these bodies would take more than 180 milliseconds.
    expect(spent).toBeLessThan(100)
  })

  it.each([
    ["steps up", `https://example.com/${"a/../".repeat(1_600)}`],
    ["letters to encode", `https://example.com/?${"ü ".repeat(2_000)}`],
  ])("may be long: %s", async (_, url) => {
    expect((await chat(url, 100)).status).toBe(200)
  })

  it.each([
    "https://example.com",
    "http://EXAMPLE.com:8080/a?b#c",
    "HTTPS://user:p%40ss@example.com/",
    "http://127.0.0.1?a",
    "http://[2001:db8::1]:80/a.png",
    "https://xn--mnchen-3ya.example/ü.png",
    "https://a_b.example/",
  ])("may be %s", async (url) => {
    expect((await chat(url, 1)).status).toBe(200)
  })

  it.each([
    "https://münchen.example/",
    "ftp://example.com/",
    "https:example.com",
    "https:///example.com",
    "https://",
    "https://example.com:99999/",
    "https://exa mple.com/",
    "https://[::1/",
    `https://${"a".repeat(300)}/`,
    `https://example.com/${"a".repeat(8_192)}`,
  ])("may not be %s", async (url) => {
    expect((await chat(url, 1)).status).toBe(422)
  })
})
