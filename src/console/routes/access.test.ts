import { expect, test } from "vitest"
import { rememberRevocations } from "../../http/auth/remember-revocations.ts"
import { createFakeRevocations } from "../../http/fixtures/fake-revocations.ts"
import { createJsonRequest, createTestApp } from "../../http/fixtures/test-app.ts"
import { createOperators } from "../../http/operate/operators.ts"
import { createOperatorCookie } from "../operator-cookie.ts"
import { addAccessRoutes } from "./access.ts"

const operatorKey = "correct-horse-battery-staple"

function openConsole(trustProxy = 0, publicUrl = "http://localhost") {
  return createTestApp({
    trustProxy,
    publicUrl,
    addPages(root, parts) {
      const operators = createOperators({ operatorKeys: [operatorKey] }, undefined)
      const revocations = rememberRevocations(createFakeRevocations())
      const cookie = createOperatorCookie({
        ...{ operators, revocations, clock: { now: () => 0 }, path: "/console" },
      })
      addAccessRoutes(root, {
        prefix: "/console/api",
        access: { type: "operator", cookie, operators },
        ...parts,
      })
    },
  })
}

/** Resolves to the cookie that an operator receives who signs in with this header at this address. */
async function signIn(
  trustProxy: number,
  forwardedProto: string | null,
  url = "/console/api/sign-in",
  publicUrl = "http://localhost",
) {
  const app = openConsole(trustProxy, publicUrl)
  const headers: Record<string, string> =
    forwardedProto === null ? {} : { "x-forwarded-proto": forwardedProto }
  const response = await app.fetch(url, createJsonRequest({ key: operatorKey }, headers))
  expect(response.status).toBe(200)
  return response.headers.get("set-cookie")?.split("; ")
}

test("the cookie is secure over HTTPS", async () => {
  expect(await signIn(0, null, "https://gateway.test/console/api/sign-in")).toContain("Secure")
  expect(await signIn(0, null)).not.toContain("Secure")
})

test("the cookie is secure at a public address by https, and at no other", async () => {
  const url = "http://agents.example/console/api/sign-in"
  expect(await signIn(0, null, url, "https://agents.example")).toContain("Secure")
  expect(await signIn(0, null, url, "http://agents.example")).not.toContain("Secure")
  // An operator may also use an address inside the network, to which browsers send no secure cookie.
  expect(
    await signIn(0, null, "http://10.0.0.7/console/api/sign-in", "https://agents.example"),
  ).not.toContain("Secure")
})

test("a proxy's report of HTTPS counts only if the proxy is trusted", async () => {
  expect(await signIn(0, "https")).not.toContain("Secure")
  expect(await signIn(1, "https")).toContain("Secure")
  expect(await signIn(1, "http")).not.toContain("Secure")
  // The client wrote the first value.
  expect(await signIn(1, "https, http")).not.toContain("Secure")
  expect(await signIn(1, "http, https")).toContain("Secure")
})

test("the sign-in reads no larger body than other requests that anyone can send", async () => {
  const request = createJsonRequest({ key: "x".repeat(32 * 1024) })
  const response = await openConsole().fetch("/console/api/sign-in", request)
  expect(response.status).toBe(413)
})
