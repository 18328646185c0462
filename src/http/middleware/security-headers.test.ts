import { describe, expect, it } from "vitest"
import { createText } from "../fixtures/entries.ts"
import { createJsonRequest, createTestApp } from "../fixtures/test-app.ts"

const origin = "https://app.example.com"

/** Resolves to one response of every kind. */
async function answers(app: ReturnType<typeof createTestApp>) {
  const { sessionId, headers } = await app.authorize()
  const stream = await app.fetch("/api/chat", createJsonRequest({ message: "hi" }, { ...headers, origin }))
  app.sessions.publish(createText("hi"))
  app.sessions.end()
  app.sessions.change(sessionId, { lastSeq: 0 })
  const all: Record<string, Response> = {
    stream,
    "no content": await app.fetch("/api/chat/subscribe", { headers }),
    json: await app.fetch("/api/health", { headers: { origin } }),
    "not found": await app.fetch("/nothing"),
    "wrong method": await app.fetch("/api/chat"),
    "no token": await app.fetch("/api/chat/history"),
    "bad body": await app.fetch("/api/chat", createJsonRequest("{", headers)),
    preflight: await app.fetch("/api/chat", {
      method: "OPTIONS",
      headers: { origin, "access-control-request-method": "POST" },
    }),
  }
  app.sessions.failure = { not: "an error" }
  all.failure = await app.fetch("/api/chat", createJsonRequest({ message: "hi" }, headers))
  return all
}

describe("every response", () => {
  it.each([[[]], [[origin]]])("has the security headers, with corsOrigins %j", async (corsOrigins) => {
    for (const [kind, response] of Object.entries(
      await answers(createTestApp({ corsOrigins, validApiKeys: ["key"] })),
    )) {
      const cacheControl = kind === "stream" ? "no-cache, no-transform" : "no-store"
      expect([kind, Object.fromEntries(response.headers)]).toMatchObject([
        kind,
        {
          "x-content-type-options": "nosniff",
          "referrer-policy": "no-referrer",
          "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
          "cross-origin-resource-policy": "same-origin",
          "cache-control": cacheControl,
        },
      ])
      expect(response.headers.has("strict-transport-security")).toBe(false)
    }
  })

  it("keeps the CORS headers next to them", async () => {
    const { stream, json } = await answers(createTestApp({ corsOrigins: [origin] }))
    expect(stream?.headers.get("access-control-allow-origin")).toBe(origin)
    expect(json?.headers.get("access-control-allow-origin")).toBe(origin)
    expect(await stream?.text()).toContain("text_delta")
  })
})

describe("strict transport security", () => {
  const hsts = async (options: Parameters<typeof createTestApp>[0], url: string, proto?: string) => {
    const headers: Record<string, string> = proto === undefined ? {} : { "x-forwarded-proto": proto }
    const response = await createTestApp(options).fetch(url, { headers })
    expect(response.status).toBe(200)
    return response.headers.get("strict-transport-security")
  }

  it("is sent over HTTPS", async () => {
    expect(await hsts({}, "https://gateway.test/api/health")).toBe("max-age=31536000")
    expect(await hsts({}, "http://gateway.test/api/health")).toBeNull()
  })

  it("trusts the header of a proxy only with trustProxy", async () => {
    expect(await hsts({}, "/api/health", "https")).toBeNull()
    expect(await hsts({ trustProxy: 1 }, "/api/health", "https")).toBe("max-age=31536000")
    expect(await hsts({ trustProxy: 2 }, "/api/health", "HTTPS, http")).toBe("max-age=31536000")
    expect(await hsts({ trustProxy: 2 }, "/api/health", "HTTPS")).toBe("max-age=31536000")
    expect(await hsts({ trustProxy: 1 }, "/api/health", "https, http")).toBeNull()
    expect(await hsts({ trustProxy: 1 }, "/api/health", "http")).toBeNull()
    expect(await hsts({ trustProxy: 1 }, "/api/health")).toBeNull()
  })
})
