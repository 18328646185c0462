import { expect, test } from "vitest"
import { patienceMs } from "../patience.ts"
import { assemble, types } from "./support/assemble.ts"
import { eventually } from "./support/eventually.ts"
import { startGateway } from "./support/gateway-process.ts"
import { journal, journaled, release } from "./support/journal.ts"
import { calls, gate, pausing, says, startModel, words } from "./support/model.ts"
import { problemOf } from "./support/problem.ts"
import { startSession } from "./support/session-client.ts"
import { temporaryFolder } from "./support/temporary-folder.ts"

async function serving(script: Parameters<typeof startModel>[0], graceMs: number) {
  const model = await startModel(script)
  const folder = await temporaryFolder()
  const gateway = await startGateway({ folder, model, env: { GRACE_MS: String(graceMs) } })
  const session = await startSession(gateway.url)
  return { model, folder, gateway, session }
}

test("a run that ends within the grace time is completed and shown to its end, and new work is refused", async () => {
  const { opened, open } = gate()
  const { gateway, session, model } = await serving([pausing(words(6), 3, opened)], 60_000)
  const stream = await session.chat("Go")
  const before = await stream.until(({ event }) => event.type === "text_delta" && event.text === "w3 ")
  gateway.signal("SIGTERM")
  const refused = await eventually("a refusal", async () => {
    const response = await session.post("/chat", { message: "And now?" })
    return response.status === 503 ? response : null
  })
  expect(await problemOf(refused)).toMatchObject({ code: "shutting_down" })
  expect(refused.headers.get("retry-after")).toBe("1")
  const init = await fetch(`${gateway.url}/api/chat/init`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ api_key: "k" }),
  })
  expect(await problemOf(init)).toMatchObject({ code: "shutting_down" })
  expect((await fetch(`${gateway.url}/api/ready`)).status).toBe(503)
  expect((await fetch(`${gateway.url}/api/health`)).status).toBe(200)
  expect((await session.history()).active_run).not.toBeNull()
  await eventually("the word that it stops", async () =>
    gateway.stderr().includes("agent-gateway: stopping. Open runs may still end;") ? true : null,
  )
  const late = await session.subscribe({ afterSeq: 0 })
  open()
  const frames = [...before, ...(await stream.rest())]
  expect(assemble(frames)).toMatchObject({
    text: words(6).join(""),
    terminal: { terminal_disposition: "completed" },
  })
  expect(await late.rest()).toEqual(frames)
  expect(await gateway.exited).toBe(0)
  expect(model.requests).toHaveLength(1)
})

test("a run that does not end within the grace time is parked, and the next start continues it", async () => {
  const { gateway, session, model, folder } = await serving(
    [pausing(words(6), 3, gate().opened), says("Resumed.")],
    200,
  )
  const stream = await session.chat("Go")
  const before = await stream.until(({ event }) => event.type === "text_delta" && event.text === "w3 ")
  gateway.signal("SIGTERM")
  // The stream ends without a terminal event, so the client will reconnect.
  expect(await stream.restOrBreak()).toEqual([])
  expect(await gateway.exited).toBe(0)
  const { url } = await startGateway({ folder, model })
  const whole = await (await session.at(url).subscribe({ afterSeq: 0 })).rest()
  expect(whole.slice(0, before.length)).toEqual(before)
  expect(types(whole.slice(before.length))).toEqual([
    ...["stream_retry", "text_delta", "turn_complete", "stream_complete"],
  ])
  expect(assemble(whole)).toMatchObject({ text: "Resumed.", terminal: { terminal_disposition: "completed" } })
})

test("a running tool is aborted after the grace time, and can clean up", async () => {
  const { gateway, session, model, folder } = await serving([calls("reserve"), says("Reserved.")], 200)
  const stream = await session.chat("Go")
  await journaled(folder, "reserve began")
  gateway.signal("SIGTERM")
  await stream.restOrBreak()
  expect(await gateway.exited).toBe(0)
  expect(await journal(folder)).toContain("reserve aborted")
  await release(folder)
  const { url } = await startGateway({ folder, model })
  const whole = await (await session.at(url).subscribe({ afterSeq: 0 })).rest()
  expect(assemble(whole)).toMatchObject({ text: "Reserved." })
  expect((await journal(folder)).filter((line) => line.startsWith("reserve began"))).toHaveLength(2)
})

test("a tool that ignores its signal delays the end by seconds at most", async () => {
  const { gateway, session, folder } = await serving([calls("stubborn")], 0)
  const stream = await session.chat("Go")
  await journaled(folder, "stubborn began")
  const begun = performance.now()
  gateway.signal("SIGTERM")
  await stream.restOrBreak()
  expect(await gateway.exited).toBe(0)
  expect(performance.now() - begun).toBeLessThan(patienceMs)
  expect(gateway.stderr() + gateway.stdout()).toContain("had not returned")
})

test("a second SIGTERM ends the process at once, and nothing is lost", async () => {
  const { gateway, session, model, folder } = await serving(
    [pausing(words(6), 3, gate().opened), says("Resumed.")],
    600_000,
  )
  const stream = await session.chat("Go")
  await stream.next()
  gateway.signal("SIGTERM")
  await eventually("the shutdown", async () =>
    (await fetch(`${gateway.url}/api/ready`)).status === 503 ? true : null,
  )
  gateway.signal("SIGTERM")
  expect(await gateway.exited).toBe(143)
  await stream.restOrBreak()
  const { url } = await startGateway({ folder, model })
  const whole = await (await session.at(url).subscribe({ afterSeq: 0 })).rest()
  expect(assemble(whole)).toMatchObject({ text: "Resumed.", terminal: { terminal_disposition: "completed" } })
})

test("an idle server stops at once, with any open connections", async () => {
  // If the gateway waited for anything, it would not stop within the test's time limit.
  const { gateway, session } = await serving([says("Hi.")], 600_000)
  await (await session.chat("Hi")).rest()
  gateway.signal("SIGTERM")
  expect(await gateway.exited).toBe(0)
})
