import { expect, it } from "vitest"
import { findLastWhole, formatCursor, isBeforeStart, noMessage, parseCursor } from "./cursor.ts"

it.each([
  ["7", { seq: 7, frames: null, characters: 0, part: null, atEnd: 0 }, 7],
  ["7.12m0", { seq: 7, frames: null, characters: 12, part: { kind: "m", index: 0 }, atEnd: 0 }, 7],
  ["7-2.12", { seq: 7, frames: 2, characters: 12, part: null, atEnd: 0 }, 6],
  ["7+1", { seq: 7, frames: null, characters: 0, part: null, atEnd: 1 }, 7],
] as const)("reads the place %s", (id, cursor, whole) => {
  expect(parseCursor(id)).toEqual(cursor)
  expect(findLastWhole(cursor)).toBe(whole)
  expect(formatCursor(cursor.seq, cursor.frames, cursor)).toBe(id.replace(/\+.*/, ""))
})

it.each([
  "",
  "-1",
  "7-",
  "7.",
  "7+",
  "x",
  " 7",
  "7 ",
  "9999999999999999",
  "7-2-2",
  "1e3",
  "7.99999999999999999",
])("knows no place %j", (id) => expect(parseCursor(id)).toBeNull())

it("tells a place before the opening from the start of the log", () => {
  expect(
    [formatCursor(0, 1, noMessage), formatCursor(0, null, noMessage)].map((id) =>
      isBeforeStart(parseCursor(id) as never),
    ),
  ).toEqual([true, false])
})
