import { expect, it, vi } from "vitest"
import type { ListedSession } from "../core/ports/store/directory.ts"
import { createTitles } from "./titles.ts"

const never = new AbortController().signal
const session = (id: string, storedBytes = 0) => ({ id, lastUsedAt: 1, storedBytes }) as ListedSession

function titlesOf(messages: Record<string, string>) {
  const read = vi.fn(async (id: string) => messages[id] ?? null)
  return { read, titles: createTitles(read) }
}

it("names a session by the first 80 characters of its first message, on one line", async () => {
  const messages = { long: `  Compare\n\n${"the plans ".repeat(20)}`, image: " ", short: "Hello." }
  const { titles } = titlesOf(messages)
  const found = await titles(
    ["long", "image", "short", "none"].map((id) => session(id)),
    never,
  )
  expect([...found]).toEqual([
    ["long", `Compare ${"the plans ".repeat(8)}`.slice(0, 79).concat("…")],
    ["image", "Image"],
    ["short", "Hello."],
  ])
})

it("reads each title once, and a session without one again only after its log has grown", async () => {
  const messages: Record<string, string> = { one: "Hello." }
  const { titles, read } = titlesOf(messages)
  for (const bytes of [10, 20, 20]) await titles([session("one", bytes), session("two", bytes)], never)
  expect(read.mock.calls).toEqual([["one"], ["two"], ["two"]])
  messages.two = "Hi."
  expect((await titles([session("two", 30)], never)).get("two")).toBe("Hi.")
  await titles([session("two", 40)], never)
  expect(read).toHaveBeenCalledTimes(4)
})

it("reads the messages one after another, because they may be large", async () => {
  let reading = 0
  const titles = createTitles(async () => {
    reading += 1
    expect(reading).toBe(1)
    await Promise.resolve()
    reading -= 1
    return "Hello."
  })
  expect((await titles([session("one"), session("two"), session("three")], never)).size).toBe(3)
})

it("reads no further title after its reader has left", async () => {
  const leaving = new AbortController()
  const read = vi.fn(async () => {
    leaving.abort()
    return "Hello."
  })
  await createTitles(read)([session("one"), session("two")], leaving.signal)
  expect(read).toHaveBeenCalledTimes(1)
})
