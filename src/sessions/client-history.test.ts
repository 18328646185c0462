import { expect, it } from "vitest"
import { emptyFingerprint, extendFingerprint } from "../core/history-fingerprint.ts"
import type { Message } from "../core/messages.ts"
import { isSameHistory } from "./client-history.ts"

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
const whole = (messages: readonly Message[]) => ({ messages, formerMessages: emptyFingerprint })

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
])("compares %s, also after a compaction", async (_, ours, theirs, expected) => {
  expect(await isSameHistory(whole(ours), theirs)).toBe(expected)
  for (let dropped = 1; dropped <= ours.length; dropped++) {
    const formerMessages = await extendFingerprint(emptyFingerprint, ours.slice(0, dropped))
    expect(await isSameHistory({ messages: ours.slice(dropped), formerMessages }, theirs)).toBe(expected)
  }
})

it("compares long texts in many turns of the event loop", async () => {
  const text = "All work and no play. ".repeat(100_000)
  let turns = 0
  const count = () => {
    turns += 1
    timer = setImmediate(count)
  }
  let timer = setImmediate(count)
  expect(await isSameHistory(whole([user(text)]), [user(`${text} `)])).toBe(true)
  clearImmediate(timer)
  expect(turns).toBeGreaterThan(5)
})
