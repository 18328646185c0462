import { expect, test } from "vitest"
import { addCall, type CallIndex, findCall } from "./call-index.ts"
import {
  append,
  at,
  emptyList,
  entriesFrom,
  type List,
  listOf,
  replaceAt,
  toArray,
  truncate,
} from "./list.ts"

const count = (length: number) => Array.from({ length }, (_, index) => index)

test.each([0, 1, 31, 32, 33, 1_024, 1_025, 33_000])("a list of %i entries has them in order", (length) => {
  const appended = count(length).reduce<List<number>>(append, emptyList)
  for (const list of [appended, listOf(count(length))]) {
    expect(toArray(list)).toEqual(count(length))
    expect([at(list, -1), at(list, length), at(list, length - 1)]).toEqual([
      ...[undefined, undefined, length === 0 ? undefined : length - 1],
    ])
    expect(entriesFrom(list, Math.max(0, length - 2))).toEqual(count(length).slice(-2))
    expect(toArray(append(list, -1))).toEqual([...count(length), -1])
  }
})

test("a list that was shortened can grow again, and the lists before it stay as they are", () => {
  const long = listOf(count(2_000))
  const short = truncate(long, 1_000)
  const other = [7, 8, 9].reduce<List<number>>(append, short)
  const changed = replaceAt(long, 1_500, -1)
  expect(toArray(long)).toEqual(count(2_000))
  expect(toArray(short)).toEqual(count(1_000))
  expect(toArray(other)).toEqual([...count(1_000), 7, 8, 9])
  expect(at(other, 1_003)).toBeUndefined()
  expect(toArray(changed)).toEqual(count(2_000).with(1_500, -1))
  expect(toArray(append(truncate(long, 0), 5))).toEqual([5])
})

test("an index finds the newest place of each call, and the indexes before it stay as they are", () => {
  const place = (part: number) => ({ message: 0, part })
  const first = count(3_000).reduce<CallIndex>((index, part) => addCall(index, `c${part}`, place(part)), [])
  const second = count(1_000).reduce<CallIndex>(
    (index, part) => addCall(index, `c${part}`, place(part + 1)),
    first,
  )
  expect(count(3_000).map((part) => findCall(first, `c${part}`)?.part)).toEqual(count(3_000))
  expect(count(3_000).map((part) => findCall(second, `c${part}`)?.part)).toEqual(
    count(3_000).map((part) => (part < 1_000 ? part + 1 : part)),
  )
  expect(findCall(second, "c3000")).toBeNull()
  expect(second.length).toBeLessThan(14)
})
