import { expect, test } from "vitest"
import { escapeOutputs } from "./escaped-output.ts"
import { cutBetweenWords, printTable } from "./table.ts"

function printed(
  rows: Parameters<typeof printTable>[1],
  terminal: { columns?: number; colors?: boolean } = {},
) {
  const out: string[] = []
  const { columns, colors = false } = terminal
  const stdout = {
    isTTY: columns !== undefined,
    ...(columns !== undefined && { columns }),
    hasColors: () => colors,
    write: (text: string) => out.push(text),
  }
  printTable(escapeOutputs({ stdout, stderr: stdout }).stdout, rows)
  return out.join("")
}

const rows = [
  ["one", "idle", "a few words about it"],
  ["three", "running", "more"],
]

test("columns are aligned, and no spaces follow the last one", () => {
  expect(printed(rows)).toBe("one    idle     a few words about it\nthree  running  more\n")
})

test("on a terminal, the last column is cut between words", () => {
  expect(printed(rows, { columns: 35 })).toBe("one    idle     a few words about…\nthree  running  more\n")
})

test("a terminal without room for the last column shows all of it", () => {
  expect(printed(rows, { columns: 30 })).toContain("a few words about it\n")
})

test("a terminal shows styles, but no escape sequence of a cell", () => {
  const styled = [[{ text: "FAILS\u001b[2J", style: "red" as const }, "x"]]
  expect(printed(styled, { columns: 80, colors: true })).toBe("\u001b[31mFAILS\\u001b[2J\u001b[39m  x\n")
  expect(printed(styled)).toBe("FAILS\\u001b[2J  x\n")
})

test("a cell with several lines stays in its row", () => {
  expect(printed([["a\nb", "c"]])).toBe("a b  c\n")
})

test("a word that is longer than the limit is divided", () => {
  expect(cutBetweenWords("abcdefgh", 4)).toBe("abc…")
  expect(cutBetweenWords("ab cdefgh", 4)).toBe("ab…")
  expect(cutBetweenWords("ab cd", 5)).toBe("ab cd")
})
