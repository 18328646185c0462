import { expect, test } from "vitest"
import { requires } from "../needs.ts"
import { openPage } from "./chromium.ts"
import { startSuite } from "./support.ts"

/** Code for the page. It has two users, each with a user token and with tokens of sessions. */
const defineUsers = `(async () => {
  const { connect, connectUser } = await import("/client/index.js")
  const requestToken = async (body) => {
    const headers = { "x-user": body.user_id, "content-type": "application/json" }
    const response = await fetch("/my/token", { method: "POST", headers, body: JSON.stringify(body) })
    if (!response.ok) throw new Error("signed out")
    return response.json()
  }
  const open = (user_id, sessionId) => connect({
    url: "/api", sessionId, token: ({ sessionId }) => requestToken({ user_id, session_id: sessionId ?? undefined }),
  })
  window.users = Object.fromEntries(["ada", "ben"].map((user_id) => [user_id, {
    ...connectUser({ url: "/api", token: () => requestToken({ user_id, scope: "user" }) }),
    open: (sessionId) => open(user_id, sessionId),
  }]))
  window.messageOf = (error) => [error.code, error.message].join(" ")
})()`

test("a page with two conversations of each of two users lists those of each, and one can sign out", async () => {
  await requires("chromium")
  const { url } = await startSuite()
  const page = await openPage(url)
  const signedOut = new Set<string>()
  // The application's own server, which knows who is signed in.
  await page.route("**/my/token", async (route) => {
    const body = route.request().postDataJSON() as { readonly user_id: string }
    if (signedOut.has(body.user_id)) return route.fulfill({ status: 401 })
    const response = await fetch(`${url}/api/chat/init`, {
      ...{ method: "POST", headers: { "content-type": "application/json" } },
      body: JSON.stringify({ ...body, api_key: "suite-key" }),
    })
    return route.fulfill({ contentType: "application/json", body: await response.text() })
  })
  await page.evaluate(defineUsers)
  const run = (code: string) => page.evaluate(`(async () => { ${code} })()`)

  const opened = (await run(`
    const ids = { ada: [], ben: [] }
    for (const name of ["ada", "ben", "ada", "ben"]) {
      const chat = users[name].open()
      await chat.send("Hello of " + name).result()
      ids[name].push(chat.sessionId)
    }
    return ids`)) as Readonly<Record<string, readonly string[]>>
  const list = (name: string) =>
    run(`return (await users.${name}.sessions()).sessions.map((session) => session.session_id)`)
  for (const name of ["ada", "ben"])
    expect(new Set((await list(name)) as string[])).toEqual(new Set(opened[name]))
  expect(await run("return (await users.ada.sessions({ limit: 1 })).next")).not.toBeNull()

  // Each conversation continues by its id from the list.
  const texts = await run(`
    const [, { session_id }] = (await users.ben.sessions()).sessions
    return JSON.stringify((await users.ben.open(session_id).history()).messages)`)
  expect(texts).toContain("Hello of ben")
  expect(texts).not.toContain("Hello of ada")

  await run(`window.kept = users.ada.open("${opened.ada?.[0]}"); await kept.history()`)
  signedOut.add("ada")
  await run("await users.ada.signOut()")
  const refused = (code: string) => run(`return ${code}.then(() => "open", messageOf)`)
  expect(await refused("users.ada.sessions()")).toContain("signed out")
  expect(await refused("kept.history()")).toContain("signed out")
  expect(new Set((await list("ben")) as string[])).toEqual(new Set(opened.ben))

  // Ada signs in again, and finds both of her conversations.
  signedOut.clear()
  expect(new Set((await list("ada")) as string[])).toEqual(new Set(opened.ada))
  expect(await refused("kept.history()")).toBe("open")
})
