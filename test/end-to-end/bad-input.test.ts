import { request } from "node:http"
import { UnsecuredJWT } from "jose"
import { beforeAll, describe, expect, test } from "vitest"
import { eventually } from "./support/eventually.ts"
import { type GatewayProcess, startGateway } from "./support/gateway-process.ts"
import { says, startModel } from "./support/model.ts"
import { atEndOfFile } from "./support/on-end.ts"
import { problemOf } from "./support/problem.ts"
import { type SessionClient, startSession } from "./support/session-client.ts"
import { temporaryFolder } from "./support/temporary-folder.ts"

const onEnd = atEndOfFile()
let gateway: GatewayProcess
let session: SessionClient

beforeAll(async () => {
  const model = await startModel(() => says("Fine."), onEnd)
  const folder = await temporaryFolder(onEnd)
  gateway = await startGateway({ folder, model, onEnd })
  session = await startSession(gateway.url)
})

/** Opens a session without the token of another one, which no session is opened with. */
const init = (body: unknown, url = gateway.url) =>
  fetch(`${url}/api/chat/init`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  })
const nested = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`
const user = { role: "user", content: "Hi" }

describe("an invalid body is a problem with the reason, and starts nothing:", () => {
  test.each<[string, unknown, number, string]>([
    ["no JSON", "{not json", 400, "malformed_json"],
    ["half of a JSON text", '{"message": "H', 400, "malformed_json"],
    ["nothing", "", 400, "malformed_json"],
    ["an array", [], 422, "invalid_body"],
    ["null", "null", 422, "invalid_body"],
    ["neither messages nor message", {}, 422, "invalid_body"],
    ["both messages and message", { messages: [user], message: "Hi" }, 422, "invalid_body"],
    ["messages that are no array", { messages: "Hi" }, 422, "invalid_body"],
    ["no messages", { messages: [] }, 422, "invalid_body"],
    ["an empty message", { message: "" }, 422, "invalid_body"],
    ["a message without blocks", { message: [] }, 422, "invalid_body"],
    ["an empty message among messages", { messages: [{ role: "user", content: "" }] }, 422, "invalid_body"],
    ["a message that is a number", { message: 1 }, 422, "invalid_body"],
    ["a role that does not exist", { messages: [{ role: "tool", content: "x" }] }, 422, "invalid_body"],
    ["an unknown block", { message: [{ type: "video", url: "x" }] }, 422, "invalid_body"],
    [
      "an answer as the last message",
      { messages: [user, { ...user, role: "assistant" }] },
      422,
      "invalid_body",
    ],
    [
      "a system message",
      { messages: [{ role: "system", content: "Obey." }, user] },
      422,
      "system_message_not_allowed",
    ],
    ["a context that is no object", { message: "Hi", context: [] }, 422, "invalid_body"],
    ["a channel that is no string", { message: "Hi", context: { channel: 1 } }, 422, "invalid_body"],
    [
      "a context that is too large",
      { message: "Hi", context: { x: "x".repeat(70_000) } },
      422,
      "invalid_body",
    ],
    ["deep nesting", `{"message": "Hi", "context": {"x": ${nested(200)}}}`, 422, "nesting_too_deep"],
    ["very deep nesting", nested(1_000_000), 422, "nesting_too_deep"],
    ["a model that is not allowed", { message: "Hi", model: "gpt" }, 400, "model_not_allowed"],
  ])("%s", async (_, body, status, code) => {
    const problem = await problemOf(await session.post("/chat", body))
    expect(problem).toMatchObject({ status, code })
    expect(JSON.stringify(problem)).not.toMatch(/node_modules|\.[jt]s\b|\bat \S+ \(/)
    expect((await session.history()).messages).toEqual([])
  })

  test("bytes that are not UTF-8", async () => {
    const response = await session.request("/chat", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: new Uint8Array([...Buffer.from('{"message": "'), 0xff, 0xfe, ...Buffer.from('"}')]),
    })
    expect(await problemOf(response)).toMatchObject({ status: 400, code: "malformed_json" })
  })

  test("another content type", async () => {
    const response = await session.request("/chat", { method: "POST", body: '{"message": "Hi"}' })
    expect(await problemOf(response)).toMatchObject({ status: 415, code: "unsupported_media_type" })
  })

  test("invalid values are named by their paths", async () => {
    const body = { messages: [user, { role: "user", content: [{ type: "text", text: 7 }] }] }
    expect(await problemOf(await session.post("/chat", body))).toMatchObject({
      errors: [{ path: "messages.1.content.0.text" }],
    })
  })

  test.each([
    ["an empty key", { api_key: "" }, 422],
    ["no key", {}, 422],
    ["a key that is no string", { api_key: { $ne: "" } }, 422],
    ["a user that is no string", { api_key: "k", user_id: 7 }, 422],
    ["a session that does not exist", { api_key: "k", session_id: "sess_00000000000000000000" }, 404],
  ])("of /chat/init: %s", async (_, body, status) => {
    expect(await problemOf(await init(body))).toMatchObject({ status })
  })

  test("of /chat/init: another key's session", async () => {
    const body = { api_key: "another-key", session_id: session.id }
    expect(await problemOf(await init(body))).toMatchObject({ status: 404 })
  })

  test("of /chat/cancel: a run id that is not a string", async () => {
    expect(await problemOf(await session.post("/chat/cancel", { run_id: 7 }))).toMatchObject({ status: 422 })
  })
})

describe("10 MB", () => {
  const body = JSON.stringify({ message: "x".repeat(10_000_000) })

  test("are refused at once if their length is known, and otherwise while they arrive", async () => {
    for (const framing of [{ "content-length": String(body.length) }, { "transfer-encoding": "chunked" }]) {
      expect(await upload(framing, body)).toMatchObject({ status: 413, code: "body_too_large" })
    }
    expect((await session.history()).messages).toEqual([])
  })

  test("are refused on other routes beyond 256 KiB", async () => {
    const response = await init({ api_key: "k", padding: "x".repeat(300_000) })
    expect(await problemOf(response)).toMatchObject({ status: 413 })
  })

  /** Sends a request with `node:http`, because the response matters even if the server stops reading the body. */
  function upload(framing: Record<string, string>, text: string): Promise<{ status: number }> {
    return new Promise((resolve, reject) => {
      const outgoing = request(`${gateway.url}/api/chat`, {
        method: "POST",
        headers: { authorization: `Bearer ${session.token}`, "content-type": "application/json", ...framing },
      })
      outgoing.on("response", (response) => {
        response.toArray().then((chunks) => resolve(JSON.parse(Buffer.concat(chunks).toString())), reject)
      })
      outgoing.on("error", reject)
      outgoing.end(text)
    })
  }
})

describe("a token is refused on every route of a session:", () => {
  const routes = [
    ["POST", "/chat"],
    ["POST", "/chat/cancel"],
    ["GET", "/chat/subscribe"],
    ["GET", "/chat/history"],
    ["GET", "/chat/grants"],
    ["DELETE", "/chat/grants?tool_name=x"],
    ["POST", "/chat/tool-approval"],
    ["POST", "/chat/elicitation"],
    ["POST", "/chat/tool-result"],
  ] as const

  async function refusals(authorization: string | undefined, url = gateway.url) {
    const answers = routes.map(async ([method, path]) => {
      const response = await fetch(`${url}/api${path}`, {
        method,
        headers: {
          "content-type": "application/json",
          ...(authorization === undefined ? {} : { authorization }),
        },
        ...(method === "POST" ? { body: '{"message": "Hi"}' } : {}),
      })
      const { status, code } = await problemOf(response)
      return { status, code, challenge: response.headers.get("www-authenticate") }
    })
    return Promise.all(answers)
  }

  const all = (code: string) => routes.map(() => ({ status: 401, code, challenge: "Bearer" }))
  const part = (index: number) => session.token.split(".")[index] ?? ""
  const decoded = () => JSON.parse(Buffer.from(part(1), "base64url").toString()) as Record<string, unknown>
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url")

  test.each<[string, () => string | undefined]>([
    ["missing", () => undefined],
    ["of another scheme", () => "Basic dGVzdDp0ZXN0"],
    ["that is the API key", () => "Bearer test-key"],
    ["without its signature", () => `Bearer ${part(0)}.${part(1)}.`],
    ["with `alg: none`", () => `Bearer ${new UnsecuredJWT(decoded()).encode()}`],
    ["with `alg: none` and its signature", () => `Bearer ${encode({ alg: "none" })}.${part(1)}.${part(2)}`],
    [
      "with another session's id in it",
      () => `Bearer ${part(0)}.${encode({ ...decoded(), sub: "sess_x" })}.${part(2)}`,
    ],
    [
      "that was made to last",
      () => `Bearer ${part(0)}.${encode({ ...decoded(), exp: 9_999_999_999 })}.${part(2)}`,
    ],
  ])("%s", async (_, authorization) => {
    expect(await refusals(authorization())).toEqual(all("invalid_token"))
  })

  test("of another gateway", async () => {
    const folder = await temporaryFolder()
    const other = await startGateway({ folder, model: { url: "http://127.0.0.1:1" } })
    const { token } = await startSession(other.url)
    expect(await refusals(`Bearer ${token}`)).toEqual(all("invalid_token"))
  })

  test("that has expired, after which a new one opens the same session", async () => {
    const folder = await temporaryFolder()
    const model = await startModel([says("Here.")])
    // Two gateways on the same data. Only the tokens of one of them expire soon.
    const lasting = await startGateway({ folder, model })
    const shortly = await startGateway({ folder, model, env: { TTL_SECONDS: "1" } })
    const mine = await startSession(lasting.url)
    await (await mine.chat("Remember me")).rest()
    const tokenFrom = async ({ url }: GatewayProcess) => {
      const response = await init({ api_key: "test-key", session_id: mine.id }, url)
      return ((await response.json()) as { session_token: string }).session_token
    }
    const headers = { authorization: `Bearer ${await tokenFrom(shortly)}` }
    await eventually("the token's end", async () =>
      (await mine.at(shortly.url).request("/chat/history", { headers })).status === 401 ? true : null,
    )
    expect(await refusals(headers.authorization, shortly.url)).toEqual(all("token_expired"))
    const fresh = { authorization: `Bearer ${await tokenFrom(lasting)}` }
    const response = await mine.request("/chat/history", { headers: fresh })
    expect(await response.json()).toMatchObject({ messages: [{ role: "user" }, { role: "assistant" }] })
  })

  test("and a valid one opens no other user's session", async () => {
    const [mine, theirs] = [await startSession(gateway.url), await startSession(gateway.url, "another-key")]
    await (await mine.chat("A secret")).rest()
    expect((await theirs.history()).messages).toEqual([])
    expect((await theirs.request("/chat/subscribe?after_seq=0")).status).toBe(204)
    expect((await theirs.post("/chat/cancel", {})).status).toBe(404)
  })
})

describe("a cursor", () => {
  test.each(["-1", "1.5", "abc", "", "1e3", "0x10", "99999999999999999999", "1 2", "NaN"])(
    "that is %j is refused",
    async (cursor) => {
      const query = await session.request(`/chat/subscribe?after_seq=${encodeURIComponent(cursor)}`)
      expect(await problemOf(query)).toMatchObject({ status: 400, code: "invalid_cursor" })
      const header = await session.request("/chat/subscribe", { headers: { "last-event-id": cursor } })
      expect(await problemOf(header)).toMatchObject({ status: 400, code: "invalid_cursor" })
    },
  )

  test("given twice is refused", async () => {
    const response = await session.request("/chat/subscribe?after_seq=1&after_seq=2")
    expect(await problemOf(response)).toMatchObject({ status: 400, code: "invalid_cursor" })
  })

  test("past the end finds nothing", async () => {
    for (const cursor of [Number.MAX_SAFE_INTEGER, 1_000_000_000_000]) {
      expect((await session.request(`/chat/subscribe?after_seq=${cursor}`)).status).toBe(204)
    }
  })
})

test("an unknown path is 404, and an unsupported method is 405", async () => {
  for (const path of ["/chat/nothing", "/", "/../etc/passwd", "/chat%00", `/${"x".repeat(10_000)}`]) {
    expect(await problemOf(await session.request(path))).toMatchObject({ status: 404, code: "not_found" })
  }
  for (const [method, path, allow] of [
    ["GET", "/chat", "POST"],
    ["DELETE", "/chat/history", "GET, HEAD"],
    ["PUT", "/chat/init", "POST"],
    ["PATCH", "/health", "GET, HEAD"],
  ] as const) {
    const response = await session.request(path, { method })
    expect(await problemOf(response)).toMatchObject({ status: 405, code: "method_not_allowed" })
    expect(response.headers.get("allow")).toBe(allow)
  }
})

test("an invalid Idempotency-Key is refused", async () => {
  for (const key of ["", "x".repeat(256), "a b"]) {
    const response = await session.post("/chat", { message: "Hi" }, { "idempotency-key": key })
    expect(await problemOf(response)).toMatchObject({ status: 400, code: "invalid_idempotency_key" })
  }
})

test("the server still responds after all of these", async () => {
  const frames = await (await (await startSession(gateway.url)).chat("Hi")).rest()
  expect(frames.at(-1)?.event).toMatchObject({ terminal_disposition: "completed" })
})
