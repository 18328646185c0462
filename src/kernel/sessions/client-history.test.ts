import { expect, it } from "vitest"
import { emptyFingerprint, extendFingerprint } from "../../core/history/history-fingerprint.ts"
import { extendTurns } from "../../core/history/history-turns.ts"
import type { Message } from "../../core/history/messages.ts"
import { isKnownHistory } from "./client-history.ts"

function user(...texts: string[]): Message {
  return { role: "user", content: texts.map((text) => ({ type: "text", text })) }
}

function assistant(text: string): Message {
  return { role: "assistant", content: [{ type: "text", text }] }
}

function image(data: string): Message {
  return {
    role: "user",
    content: [{ type: "image", source: { type: "base64", mediaType: "image/png", data } }],
  }
}

/** The history of a session that was never compacted. */
const whole = (messages: readonly Message[]) => ({
  messages,
  formerMessages: emptyFingerprint,
  formerTurns: [],
})

/** Returns the same history after a compaction that replaced the first messages. */
async function compacted(messages: readonly Message[], dropped: number) {
  const former = messages.slice(0, dropped)
  return {
    messages: messages.slice(dropped),
    formerMessages: await extendFingerprint(emptyFingerprint, former),
    formerTurns: await extendTurns([], former),
  }
}

it.each<[string, readonly Message[], readonly Message[], boolean]>([
  ["equal texts", [user("a"), assistant("b")], [user("a"), assistant("b")], true],
  ["other white space", [user(" a\u00a0b\n")], [user("ab\u3000")], true],
  ["responses joined", [assistant("a "), assistant("b")], [assistant("ab")], true],
  ["a text in parts", [user("ab", "cd")], [user("a", " ", "bcd")], true],
  ["empty messages", [user("a"), assistant(" "), user("b")], [user("ab")], true],
  ["another text", [user("abc")], [user("abd")], false],
  ["a longer text", [user("abc")], [user("abcd")], false],
  ["a shorter text", [user("abc")], [user("ab")], false],
  ["another role", [user("a")], [assistant("a")], false],
  ["one message more", [user("a")], [user("a"), assistant("b")], false],
  ["equal images", [image("AAAA")], [image("AAAA")], true],
  ["another image", [image("AAAA")], [image("BBBB")], false],
])("compares %s, even after a compaction", async (_, ours, theirs, expected) => {
  expect(await isKnownHistory(whole(ours), theirs)).toBe(expected)
  for (let dropped = 1; dropped <= ours.length; dropped++) {
    expect(await isKnownHistory(await compacted(ours, dropped), theirs)).toBe(expected)
  }
})

const talk = [
  ...[user("a"), assistant("b"), user("c"), assistant("d"), assistant("e"), user("f"), assistant("g")],
]

it.each<[string, readonly Message[], boolean]>([
  ["the last response", [assistant("g")], true],
  ["the last turns", [user("c"), assistant("de"), user("f"), assistant("g")], true],
  ["all of it", [user("a"), assistant("b"), user("c"), assistant("de"), user("f"), assistant("g")], true],
  ["turns of the middle", [user("c"), assistant("de")], false],
  ["the last turns with another text", [user("c"), assistant("dx"), user("f"), assistant("g")], false],
  ["the last turns without the last one", [assistant("de"), user("f")], false],
  ["a part of a turn", [assistant("e"), user("f"), assistant("g")], false],
  ["more than there is", [assistant("z"), ...talk], false],
  ["nothing", [], false],
  ["messages that show nothing", [assistant(" ")], false],
])("recognizes %s of a history, even after a compaction", async (_, theirs, expected) => {
  expect(await isKnownHistory(whole(talk), theirs)).toBe(expected)
  for (let dropped = 1; dropped < talk.length; dropped++) {
    expect(await isKnownHistory(await compacted(talk, dropped), theirs)).toBe(expected)
  }
})

it("treats a repeated single message as new", async () => {
  const own = whole([user("a"), assistant("b"), user("c")])
  expect(await isKnownHistory(own, [user("c")])).toBe(false)
})

it("compares long texts in many turns of the event loop", async () => {
  const text = "All work and no play. ".repeat(100_000)
  let turns = 0
  const count = () => {
    turns += 1
    timer = setImmediate(count)
  }
  let timer = setImmediate(count)
  expect(await isKnownHistory(whole([user(text)]), [user(`${text} `)])).toBe(true)
  clearImmediate(timer)
  expect(turns).toBeGreaterThan(5)
})
