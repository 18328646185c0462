import { describe, expect, test } from "vitest"
import { operations } from "../../src/operations/operations.ts"
import { atEndOfFile } from "../end-to-end/support/on-end.ts"
import { minimalAgent, scriptedAgent, serveConsole } from "./console-stage.ts"
import { codeOf, ownPage, rawRequest } from "./raw-request.ts"

const onEnd = atEndOfFile()
const served = serveConsole(scriptedAgent, { onEnd, model: { url: "http://127.0.0.1:1" } })
const at = async (path: string) => `${(await served).url}${path}`
const portOf = (url: string) => new URL(url).port

test("the page has a strict policy, is compressed, and is checked for changes", async () => {
  const root = await rawRequest(await at("/"))
  expect([root.status, root.headers.location]).toEqual([302, "/console/"])
  const page = await rawRequest(await at("/console/"))
  expect(page.status).toBe(200)
  expect(page.headers["content-type"]).toBe("text/html; charset=utf-8")
  expect(page.headers["cache-control"]).toBe("no-cache")
  expect(page.headers["x-content-type-options"]).toBe("nosniff")
  const policy = page.headers["content-security-policy"] ?? ""
  expect(policy).toContain("default-src 'none'")
  expect(policy).toContain("frame-ancestors 'none'")
  expect(policy).not.toMatch(/unsafe|\*/)
  const again = await rawRequest(await at("/console/"), {
    headers: { "if-none-match": page.headers.etag ?? "" },
  })
  expect([again.status, again.text]).toEqual([304, ""])

  const [script = ""] = /assets\/[\w-]+\.js/.exec(page.text) ?? []
  const asset = await rawRequest(await at(`/console/${script}`), {
    headers: { "accept-encoding": "gzip, br" },
  })
  expect(asset.headers["cache-control"]).toBe("public, max-age=31536000, immutable")
  expect(asset.headers["content-encoding"]).toBe("gzip")
  expect(asset.headers.vary).toContain("accept-encoding")
})

test.each([
  "/console/assets/none.js",
  "/console/assets/..%2findex.html",
  "/console/assets/..%2f..%2fcli%2fmain.js",
  "/console/../../package.json",
  "/console/index.html",
])("%s is not a file of the page", async (path) => {
  expect((await rawRequest(await at(path))).status).toBe(404)
})

test("other responses keep their policy", async () => {
  const answer = await rawRequest(await at("/api/health"))
  expect(answer.headers["content-security-policy"]).toBe("default-src 'none'; frame-ancestors 'none'")
})

const routes = [
  ["GET", "/console/api/access"],
  ["POST", "/console/api/session"],
  ...Object.values(operations).map(({ route }) => {
    const [method = "", path = ""] = route.split(" ")
    return [method, `/console/api${path.replaceAll(/[{}]/g, "")}`] as const
  }),
] as const

describe.each(routes)("%s %s refuses", (method, path) => {
  const refusal = async (headers: Readonly<Record<string, string>>) => {
    const answer = await rawRequest(await at(path), {
      method,
      headers,
      ...(method === "POST" && { body: {} }),
    })
    return [answer.status, codeOf(answer)]
  }

  test("a form or a link of any page, which cannot send the header", async () => {
    expect(await refusal({})).toEqual([403, "console_request_refused"])
  })

  test.each(["cross-site", "same-site", "none"])("a request from a page that is %s", async (site) => {
    expect(await refusal({ ...ownPage, "sec-fetch-site": site })).toEqual([403, "console_request_refused"])
  })

  test("another origin of this machine", async () => {
    const origin = "http://127.0.0.1:1"
    expect(await refusal({ ...ownPage, origin })).toEqual([403, "console_request_refused"])
  })

  test("a page whose host name was rebound to this machine", async () => {
    const { port } = new URL(await at("/"))
    const host = `evil.example:${port}`
    expect(await refusal({ ...ownPage, host, origin: `http://${host}` })).toEqual([421, "host_not_allowed"])
  })

  test.each(["x-forwarded-for", "forwarded", "via", "x-forwarded-host", "x-real-ip", "cf-ray"])(
    "a request through a proxy or a tunnel (%s)",
    async (header) => {
      expect(await refusal({ ...ownPage, [header]: "203.0.113.7" })).toEqual([403, "console_not_local"])
    },
  )
})

test("a preflight of another origin allows nothing", async () => {
  const answer = await rawRequest(await at("/console/api/session"), {
    method: "OPTIONS",
    headers: {
      origin: "http://localhost:3000",
      "access-control-request-method": "POST",
      "access-control-request-headers": "content-type,x-agent-gateway-console",
    },
  })
  const { headers } = answer
  expect(headers["access-control-allow-origin"]).toBeUndefined()
  expect(headers["access-control-allow-headers"]).toBeUndefined()
})

test("the page's own request gets a token, which no API key can get for the same session", async () => {
  const answer = await rawRequest(await at("/console/api/session"), {
    method: "POST",
    headers: ownPage,
    body: {},
  })
  expect(answer.status).toBe(200)
  const { session_id, session_token } = JSON.parse(answer.text) as Record<string, string>
  const authorization = `Bearer ${session_token}`
  expect((await rawRequest(await at("/api/chat/history"), { headers: { authorization } })).status).toBe(200)

  const stolen = await rawRequest(await at("/api/chat/init"), {
    method: "POST",
    body: { api_key: "a-key-that-is-no-one-elses", user_id: "operator", session_id },
  })
  expect([stolen.status, codeOf(stolen)]).toEqual([404, "session_not_found"])
})

test("the console cannot send messages to a session of an API key's user", async () => {
  const init = await rawRequest(await at("/api/chat/init"), {
    method: "POST",
    body: { api_key: "a-key-that-is-no-one-elses" },
  })
  const { session_id } = JSON.parse(init.text) as Record<string, string>
  const answer = await rawRequest(await at("/console/api/session"), {
    method: "POST",
    headers: ownPage,
    body: { session_id },
  })
  expect([answer.status, codeOf(answer)]).toEqual([404, "session_not_found"])
})

test.each([
  ["session", { agent: 1 }],
  ["session", { session_id: "a", more: true }],
  ["approvals", {}],
  ["outbox/retry", { numbers: [] }],
  ["outbox/retry", { numbers: [1.5] }],
  ["memory/forget", { tenant: "a", user: "b" }],
  ["memory/forget", { tenant: "a", user: "b", name: "x", revision: "1" }],
])("an invalid body is refused: %s %j", async (path, body) => {
  const answer = await rawRequest(await at(`/console/api/${path}`), {
    method: "POST",
    headers: ownPage,
    body,
  })
  expect([answer.status, codeOf(answer)]).toEqual([422, "invalid_body"])
})

test.each([
  "sessions?state=none",
  "sessions?user=ada",
  "runs?after=x.y",
  "sessions/sess_none",
  "sessions/sess_none/events?after=-1",
  "sessions/sess_none/compactions/1",
  "sessions/sess_none/attempts",
  "sessions/sess_none/attempts/latest",
  "sandbox/sessions?after=x",
  "schedules/sched_none",
  "schedules?state=active",
  "memory",
  "memory?tenant=a",
  "memory?tenant=a&user=b&after=x",
  "memory/owners?after=eyJhIjoxfQ",
])("an invalid query is refused: %s", async (path) => {
  const answer = await rawRequest(await at(`/console/api/${path}`), { headers: ownPage })
  expect([400, 404, 422]).toContain(answer.status)
})

test("sessions are filtered by tenant alone, and by a user of a tenant", async () => {
  await rawRequest(await at("/console/api/session"), { method: "POST", headers: ownPage, body: {} })
  for (const user of ["ada", "bob"]) {
    const body = { api_key: "a-key-that-is-no-one-elses", user_id: user }
    await rawRequest(await at("/api/chat/init"), { method: "POST", body })
  }
  const ownersOf = async (query: Readonly<Record<string, string>>) => {
    const path = await at(`/console/api/sessions?${new URLSearchParams(query)}`)
    const { items } = JSON.parse((await rawRequest(path, { headers: ownPage })).text) as {
      readonly items: readonly { readonly tenant: string; readonly userId: string }[]
    }
    return {
      tenants: [...new Set(items.map(({ tenant }) => tenant))],
      users: items.map(({ userId }) => userId),
    }
  }
  const all = await ownersOf({})
  expect(all.tenants).toHaveLength(2)
  const [tenant = ""] = all.tenants.filter((name) => name !== "console")
  expect((await ownersOf({ tenant: "console" })).tenants).toEqual(["console"])
  const ofTenant = await ownersOf({ tenant })
  expect(ofTenant.tenants).toEqual([tenant])
  expect(ofTenant.users).toEqual(expect.arrayContaining(["ada", "bob"]))
  expect(new Set((await ownersOf({ tenant, user: "ada" })).users)).toEqual(new Set(["ada"]))
  expect(await ownersOf({ tenant: "none" })).toEqual({ tenants: [], users: [] })
})

test.each(["pause", "resume", "run"])("a missing schedule cannot be changed: %s", async (action) => {
  const answer = await rawRequest(await at(`/console/api/schedules/sched_none/${action}`), {
    method: "POST",
    headers: ownPage,
    body: {},
  })
  expect([answer.status, codeOf(answer)]).toEqual([404, "schedule_not_found"])
})

test("a memory that has changed since it was read is not deleted", async () => {
  const body = { tenant: "a", user: "b", entityType: "note", name: "x", revision: "1" }
  const answer = await rawRequest(await at("/console/api/memory/forget"), {
    method: "POST",
    headers: ownPage,
    body,
  })
  expect([answer.status, codeOf(answer)]).toEqual([404, "memory_not_found"])
})

test("the configuration shows names of options and no secrets", async () => {
  const { text } = await rawRequest(await at("/console/api/configuration"), { headers: ownPage })
  expect(text).toContain("validApiKeys")
  expect(text).not.toContain("a-key-that-is-no-one-elses")
})

test("the console is refused without a key on a network address", async () => {
  const { cli, url } = await serveConsole(minimalAgent, { args: ["--host", "0.0.0.0", "--allow-any-key"] })
  expect(cli.stdout()).not.toContain("in a browser")
  const local = `http://127.0.0.1:${portOf(url)}`
  const answer = await rawRequest(`${local}/console/api/info`, { headers: ownPage })
  expect([answer.status, codeOf(answer)]).toEqual([403, "console_not_local"])
})

test("--no-console turns it off", async () => {
  const { url } = await serveConsole(minimalAgent, { args: ["--no-console"] })
  expect((await rawRequest(`${url}/console/`)).status).toBe(404)
  expect((await rawRequest(url)).status).toBe(404)
})
