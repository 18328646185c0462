import { describe, expect, it } from "vitest"
import { createRedact, redactText } from "./redact.ts"

const redact = createRedact()
const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJzZXNzXzEifQ.dGhlIHNpZ25hdHVyZQ"

describe("a text", () => {
  it.each([
    ["the key sk-ant-api03-AbC_dEf-123456 is wrong", "the key [redacted] is wrong"],
    ["sk-proj-abcdefgh12345678", "[redacted]"],
    ["Incorrect API key: sk-abcdefgh.", "Incorrect API key: [redacted]."],
    ["ghp_abcdefghijklmnop1234 xoxb-123456789-abc", "[redacted] [redacted]"],
    ["AKIAABCDEFGHIJKLMNOP", "[redacted]"],
    ["nonce_4fzyo82mvyr7jtnc1q9x", "[redacted]"],
    ["authorization: Bearer abc.def-ghi~123==", "authorization: Bearer [redacted]"],
    ["bearer   abcdefgh12", "bearer [redacted]"],
    ["Basic dXNlcjpwYXNz", "Basic [redacted]"],
    [`token ${jwt} expired`, "token [redacted] expired"],
    [jwt.split(".").slice(0, 2).join("."), "[redacted]"],
    ["connect postgres://app:hunter2@db:5432/x failed", "connect postgres://app:[redacted]@db:5432/x failed"],
    ["GET /x?access_token=abc123&page=2", "GET /x?access_token=[redacted]&page=2"],
    ['{"api_key": "abc", "model": "m"}', '{"api_key": "[redacted]", "model": "m"}'],
    ["glpat-abcdefghij0123456789", "[redacted]"],
    [`npm_${"a1B2".repeat(9)} hf_${"aBcD".repeat(9)}`, "[redacted] [redacted]"],
    ["x-api-key: abcdefgh12, accept: */*", "x-api-key: [redacted], accept: */*"],
    ["Cookie: session=abcdefgh12; a=1", "Cookie: [redacted]; a=1"],
    ["aws_secret_access_key=wJalrXUtnFEMI/K7", "aws_secret_access_key=[redacted]"],
    ["a\n-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\nb", "a\n[redacted]\nb"],
    ["a\n-----BEGIN EC PRIVATE KEY-----\nMIIE\nmore", "a\n[redacted]"],
  ])("has its secret masked: %s", (text, expected) => {
    expect(redactText(text)).toBe(expected)
  })

  it.each([
    "task-management-service is up",
    "basic authentication is off; Bearer token is missing",
    "run_4fzyo82mvyr7jtnc1q9x of sess_4fzyo82mvyr7jtnc1q9x",
    "max_tokens: expected a number, token: expected string",
    "http://localhost:8000/api/chat",
    "eyJ",
    "",
  ])("is unchanged without a secret: %s", (text) => {
    expect(redactText(text)).toBe(text)
  })

  it("is truncated to a length for logs", () => {
    expect(redactText("x".repeat(20_000))).toBe(`${"x".repeat(16_384)}… [3616 more characters]`)
  })

  it.each([
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN ",
    "cookie: ",
    "eyJ",
    "eyJa-",
    "sk-",
    "://a",
    "://:",
    "a:",
    "token",
    "Bearer ",
    "Basic ",
    "x_",
    "gh",
    '"',
    "é",
  ])("that repeats %j many times is handled quickly", (piece) => {
    const started = process.cpuUsage()
    redactText(piece.repeat(Math.ceil(20_000 / piece.length)))
    // Microseconds of CPU time, which do not grow while other processes use the machine.
    expect(process.cpuUsage(started).user).toBeLessThan(1_000_000)
  })
})

describe("an object", () => {
  it.each([
    "password",
    "dbPassword",
    "PASSWD",
    "passphrase",
    "secret",
    "jwtSecret",
    "client_secret",
    "token",
    "session_token",
    "X-Auth-Token",
    "authorization",
    "Proxy-Authorization",
    "cookie",
    "set-cookie",
    "apiKey",
    "x-api-key",
    "validApiKeys",
    "private_key",
    "credentials",
  ])("has the member %s masked, with any value", (name) => {
    for (const value of ["x", 1234, ["x"], { deep: "x" }, new Uint8Array(2)]) {
      expect(redact({ [name]: value })).toEqual({ [name]: "[redacted]" })
    }
    for (const value of [null, true, false]) expect(redact({ [name]: value })).toEqual({ [name]: value })
  })

  it("keeps members whose names only resemble a secret's", () => {
    const harmless = {
      inputTokens: 12,
      maxTokens: 3,
      key: "cache:1",
      idempotencyKey: "call_0123456789abcdef0123456789",
      author: "ada",
    }
    expect(redact(harmless)).toEqual(harmless)
  })

  it("has long opaque values of keys masked", () => {
    expect(
      redact({ key: "0123456789abcdef0123456789abcdef", signingKey: "q83vEjRWeJCrze8SNFZ4kA==" }),
    ).toEqual({
      key: "[redacted]",
      signingKey: "[redacted]",
    })
  })

  it("has the named members masked, with any spelling", () => {
    const redactMore = createRedact(["social-security", "iban"])
    expect(redactMore({ socialSecurity: "1", SOCIAL_SECURITY: "2", IBAN: "3", other: "4" })).toEqual({
      socialSecurity: "[redacted]",
      SOCIAL_SECURITY: "[redacted]",
      IBAN: "[redacted]",
      other: "4",
    })
  })

  it("is copied deeply and not changed", () => {
    const original = { a: [{ headers: { Authorization: "x" } }, `Bearer ${jwt}`], b: null, c: 1.5 }
    const before = structuredClone(original)
    expect(redact(original)).toEqual({
      a: [{ headers: { Authorization: "[redacted]" } }, "Bearer [redacted]"],
      b: null,
      c: 1.5,
    })
    expect(original).toEqual(before)
  })

  it("may be cyclic, and may contain the same object twice", () => {
    const shared = { x: 1 }
    const cyclic: Record<string, unknown> = { shared, again: shared }
    cyclic.self = cyclic
    cyclic.list = [cyclic]
    expect(redact(cyclic)).toEqual({
      shared,
      again: shared,
      self: "[circular]",
      list: ["[circular]"],
    })
  })

  it("is truncated if it is too deep", () => {
    let deep: unknown = "bottom"
    for (let level = 0; level < 10_000; level++) deep = { deep }
    expect(JSON.stringify(redact(deep))).toBe(`${'{"deep":'.repeat(8)}"[cut]"${"}".repeat(8)}`)
  })

  it("is truncated if it is too wide, and as a whole", () => {
    expect(redact(Array(150).fill(1))).toEqual([...Array(100).fill(1), "[50 more]"])
    const wide = Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`m${index}`, index]))
    expect(Object.keys(redact(wide) as object)).toHaveLength(101)
    const huge = Array.from({ length: 100 }, () => Array(100).fill("x".repeat(10)))
    expect(JSON.stringify(redact(huge)).length).toBeLessThan(100_000)
    expect(JSON.stringify(redact(huge))).toContain("[cut]")
  })

  it("may be an error, with its cause", () => {
    const cause = new TypeError("postgres://app:hunter2@db/x is down")
    const error = Object.assign(new Error(`the key sk-ant-api03-AbCdEf123456`, { cause }), {
      status: 401,
      headers: { authorization: "Bearer x" },
    })
    const copy = redact({ error }) as { error: Record<string, unknown> }
    expect(copy.error).toMatchObject({
      type: "Error",
      message: "the key [redacted]",
      status: 401,
      headers: { authorization: "[redacted]" },
      cause: { type: "TypeError", message: "postgres://app:[redacted]@db/x is down" },
    })
    expect(copy.error.stack).toContain("redact.test.ts")
    expect(JSON.stringify(copy)).not.toMatch(/AbCdEf|hunter2/)
  })

  it("may be several errors", () => {
    const error = new AggregateError([new Error("Bearer abcdefgh"), new Error("two")], "both")
    expect(redact(error)).toMatchObject({
      message: "both",
      errors: [{ message: "Bearer [redacted]" }, { message: "two" }],
    })
  })

  it("may be of any kind", () => {
    expect(
      redact({
        date: new Date(0),
        url: new URL("https://u:p@example.com/?token=abc"),
        bytes: new Uint8Array(3),
        map: new Map([["password", "x"]]),
        set: new Set([1, 2]),
        big: 1n,
        nothing: undefined,
        call: () => 1,
        noDate: new Date(Number.NaN),
      }),
    ).toEqual({
      date: "1970-01-01T00:00:00.000Z",
      url: "https://u:[redacted]@example.com/?token=[redacted]",
      bytes: "[3 bytes]",
      map: { password: "[redacted]" },
      set: [1, 2],
      big: "1",
      noDate: null,
    })
  })

  it("may have a getter that throws", () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    const hostile = {
      get broken() {
        throw new Error("no, Bearer abcdefgh")
      },
      proxy,
      json: {
        toJSON() {
          throw "thrown"
        },
      },
      fine: 1,
    }
    expect(redact(hostile)).toEqual({
      broken: "[unreadable: no, Bearer [redacted]]",
      proxy: expect.stringMatching(/^\[unreadable: .*revoked/),
      json: "[unreadable: string]",
      fine: 1,
    })
  })

  it("cannot change the copy's prototype", () => {
    const copy = redact(JSON.parse('{"__proto__":{"admin":true}}')) as { admin?: boolean }
    expect(copy.admin).toBeUndefined()
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype)
  })
})
