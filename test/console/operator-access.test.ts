import { expect, test } from "vitest"
import { spawnConsoleFailure } from "./console-failure.ts"
import { scriptedAgent, serveConsole } from "./console-stage.ts"
import { codeOf, ownPage, rawRequest } from "./raw-request.ts"

const operatorKey = "correct-horse-battery-staple"
const start = {
  command: "start",
  args: ["--console"],
  env: { AGENT_GATEWAY_OPERATOR_KEY: operatorKey },
  model: { url: "http://127.0.0.1:1" },
} as const

test("start serves no console by default", async () => {
  const { url } = await serveConsole(scriptedAgent, { ...start, args: [] })
  expect((await rawRequest(`${url}/console/`)).status).toBe(404)
})

test.each([{}, { AGENT_GATEWAY_OPERATOR_KEY: "short" }])("start refuses a console with %j", async (env) => {
  const { code, stderr } = await spawnConsoleFailure(scriptedAgent, env)
  expect(code).toBe(1)
  expect(stderr).toContain("AGENT_GATEWAY_OPERATOR_KEY")
})

test("operators sign in with the key, and stay signed in by a cookie that pages cannot read", async () => {
  const { cli, url } = await serveConsole(scriptedAgent, start)
  await cli.printed(/^Console: http:\/\/127\.0\.0\.1:\d+\/console\/$/m)
  const api = (path: string, headers: Readonly<Record<string, string>> = ownPage) =>
    rawRequest(`${url}/console/api/${path}`, { headers })
  const signIn = (key: string) =>
    rawRequest(`${url}/console/api/sign-in`, { method: "POST", headers: ownPage, body: { key } })

  expect(JSON.parse((await api("access")).text)).toEqual({ type: "key", can_sign_out: false })
  const refused = await api("sessions")
  expect([refused.status, codeOf(refused)]).toEqual([401, "operator_signed_out"])
  const wrong = await signIn("wrong")
  expect([wrong.status, codeOf(wrong), wrong.headers["set-cookie"]]).toEqual([
    401,
    "invalid_credentials",
    undefined,
  ])

  const [cookie = ""] = (await signIn(operatorKey)).headers["set-cookie"] ?? []
  expect(cookie).toMatch(/; HttpOnly/)
  expect(cookie).toMatch(/; SameSite=Strict/)
  expect(cookie).toMatch(/; Path=\/console/)
  expect(cookie).not.toContain(operatorKey)
  const [pair = ""] = cookie.split(";")
  expect((await api("sessions", { ...ownPage, cookie: pair })).status).toBe(200)
  expect(JSON.parse((await api("access", { ...ownPage, cookie: pair })).text)).toEqual({
    type: "open",
    can_sign_out: true,
    name: "operator",
    scopes: ["metrics", "read", "content", "approve", "operate"],
    tenant: null,
  })

  expect((await api("sessions", { cookie: pair })).status).toBe(403)
  const [name = "", value = ""] = pair.split("=")
  const [validAfter = "", expiry = "", signature = ""] = value.split(".").slice(1)
  for (const forged of [
    `operator.${validAfter}.${Number(expiry) + 1}.${signature}`,
    `other.${validAfter}.${expiry}.${signature}`,
    `operator.${validAfter}.${expiry}.`,
    `operator.${validAfter}.${expiry}.${"a".repeat(43)}`,
    "",
    "x.y",
  ]) {
    const answer = await api("sessions", { ...ownPage, cookie: `${name}=${forged}` })
    expect([answer.status, codeOf(answer)]).toEqual([401, "operator_signed_out"])
  }

  const signOut = (headers: Readonly<Record<string, string>>) =>
    rawRequest(`${url}/console/api/sign-out`, { method: "POST", headers, body: {} })
  expect((await signOut({ cookie: pair })).status).toBe(403)
  expect((await api("sessions", { ...ownPage, cookie: pair })).status).toBe(200)
  expect((await signOut({ ...ownPage, cookie: pair })).status).toBe(200)
  expect((await api("sessions", { ...ownPage, cookie: pair })).status).toBe(401)
})

test("repeated wrong keys are refused for a while", async () => {
  const { url } = await serveConsole(scriptedAgent, start)
  const statuses = new Set<number>()
  for (let tries = 0; tries < 60 && !statuses.has(429); tries++) {
    const answer = await rawRequest(`${url}/console/api/sign-in`, {
      method: "POST",
      headers: ownPage,
      body: { key: "the same wrong key" },
    })
    statuses.add(answer.status)
  }
  expect([...statuses]).toEqual([401, 429])
})
