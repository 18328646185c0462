import { afterEach, expect, it } from "vitest"
import { openMemoryStore } from "../adapters/stores/sqlite/open.ts"
import { connect } from "../client/chat.ts"
import { systemClock } from "../core/time/clock.ts"
import { scriptedProvider } from "../testing/provider/scripted-provider.ts"
import { createAgent } from "./create-agent.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }
const ends: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

/** Starts a gateway whose model numbers its responses. */
async function start() {
  const store = await openMemoryStore({ clock: systemClock, logger })
  ends.push(() => store.close())
  let responses = 0
  const provider = scriptedProvider(() => {
    responses += 1
    return [{ type: "text", text: `Response ${responses}` }]
  })
  const gateway = createAgent("Hi.", { store, logger, provider })
  ends.push(() => gateway.close({ graceMs: 0 }))
  const fetch = async (input: string | URL | Request, init?: RequestInit) =>
    gateway.fetch(new Request(input, init))
  const chat = connect({ url: "http://gateway/api", apiKey: "key", fetch })
  /** Returns the texts of the last request. */
  const lastRequest = () =>
    (provider.requests.at(-1)?.messages ?? []).flatMap((message) =>
      message.role === "tool"
        ? []
        : message.content.flatMap((part) => (part.type === "text" ? part.text : [])),
    )
  /** Returns each message of the history as text, with the mark of superseded ones. */
  const listHistory = async () =>
    (await chat.history()).messages.map(({ content: [block], superseded = false }) => {
      const text = block?.type === "text" ? block.text : ""
      return superseded ? `(${text})` : text
    })
  return { gateway, chat, lastRequest, listHistory }
}

it("edits a message and repeats it, and the history marks what was superseded", async () => {
  const { chat, lastRequest, listHistory } = await start()
  for (const text of ["One", "Two", "Three"]) await chat.send(text).result()
  const two = (await chat.history()).messages.filter(({ role }) => role === "user")[1]?.run_id ?? ""
  const edited = chat.edit(two, "Another two")
  await edited.result()
  expect(lastRequest()).toEqual(["One", "Response 1", "Another two"])
  const superseded = ["(Two)", "(Response 2)", "(Three)", "(Response 3)"]
  expect(await listHistory()).toEqual(["One", "Response 1", ...superseded, "Another two", "Response 4"])
  await chat.retry(edited.id ?? "").result()
  expect(lastRequest()).toEqual(["One", "Response 1", "Another two"])
  const all = [...superseded, "(Another two)", "(Response 4)", "Another two", "Response 5"]
  expect(await listHistory()).toEqual(["One", "Response 1", ...all])
})

it("names the run of each message of the user", async () => {
  const { chat } = await start()
  const runIds: (string | null)[] = []
  for (const text of ["One", "Two"]) {
    const run = chat.send(text)
    await run.result()
    runIds.push(run.id)
  }
  const { messages } = await chat.history()
  expect(messages.flatMap(({ run_id: runId }) => runId ?? [])).toEqual(runIds)
  const { messages: page } = await chat.history({ limit: 1 })
  expect(page.map(({ run_id: runId }) => runId)).toEqual([runIds[1], undefined])
})

it("marks superseded messages on every page of the history", async () => {
  const { chat } = await start()
  const first = chat.send("One")
  await first.result()
  await chat.send("Two").result()
  await chat.edit(first.id ?? "", "Another one").result()
  const newest = await chat.history({ limit: 1 })
  expect(newest.messages.map(({ superseded = false }) => superseded)).toEqual([false, false])
  const older = await chat.history({ limit: 2, before: newest.before ?? 0 })
  expect(older.messages.map(({ superseded = false }) => superseded)).toEqual([true, true, true, true])
})

it("takes the place of a run for the application's own code", async () => {
  const { gateway, lastRequest } = await start()
  const first = await gateway.run("One")
  const { sessionId, runId } = first
  await gateway.run("Two", { sessionId })
  await gateway.run("Another one", { sessionId, supersede: runId })
  expect(lastRequest()).toEqual(["Another one"])
  const other = await gateway.run("Other")
  const foreign = gateway.run("Mine", { sessionId: other.sessionId, supersede: runId })
  await expect(foreign).rejects.toMatchObject({ code: "run_not_found", status: 404 })
})

it("refuses a request with neither a message nor a run, and with the client's own history", async () => {
  const { chat } = await start()
  const run = chat.send("One")
  await run.result()
  const { chat: other } = await start()
  await expect(other.retry(run.id ?? "").result()).rejects.toMatchObject({ code: "run_not_found" })
  const supersede = { run_id: run.id }
  const messages = [{ role: "user", content: "Two" }]
  const { gateway } = await start()
  const init = await gateway.fetch(post("init", { api_key: "key" }))
  const { session_token: token } = (await init.json()) as { readonly session_token: string }
  for (const body of [
    {},
    { messages, supersede },
    { message: "Two", messages, supersede },
    { supersede: {} },
  ]) {
    const response = await gateway.fetch(post("", body, token))
    expect(response.status).toBe(422)
    expect(await response.json()).toMatchObject({ code: "invalid_body" })
  }
})

function post(path: string, body: object, token = ""): Request {
  const headers = { "content-type": "application/json", authorization: `Bearer ${token}` }
  const url = `http://gateway/api/chat${path === "" ? "" : `/${path}`}`
  return new Request(url, { method: "POST", headers, body: JSON.stringify(body) })
}
