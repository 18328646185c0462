import { expect, test } from "vitest"
import { createAnswerPrinter } from "./answer-printer.ts"

function printed(
  isTTY: boolean,
  play: (printer: ReturnType<typeof createAnswerPrinter>) => void,
  { isErrorTTY = isTTY } = {},
) {
  const out: string[] = []
  const answerOutput = { isTTY, write: (text: string) => out.push(text) }
  const printer = createAnswerPrinter({ answerOutput, stderr: { isTTY: isErrorTTY, write: () => true } })
  play(printer)
  return out.join("")
}

const twoMessages = (printer: ReturnType<typeof createAnswerPrinter>) => {
  for (const text of ["Let me ", "look.", "\n\n", "It", " was"]) printer.onText(text)
  printer.onRetry({ message: "The answer broke off." })
  for (const text of ["It is", " here."]) printer.onText(text)
  printer.end()
}

test("a file contains every message once, even if the model starts a message again", () => {
  expect(printed(false, twoMessages)).toBe("Let me look.\n\nIt is here.\n")
})

test("a terminal shows each piece at once, and where the text starts again", () => {
  expect(printed(true, twoMessages)).toBe("Let me look.\n\nIt was\nIt is here.\n")
})

test("a line is ended before other output on the same terminal only", () => {
  const withProgress = (printer: ReturnType<typeof createAnswerPrinter>) => {
    printer.onText("Calling.")
    printer.endLine()
    printer.endLine()
    for (const text of ["\n\n", "Done."]) printer.onText(text)
    printer.end()
  }
  expect(printed(true, withProgress)).toBe("Calling.\n\nDone.\n")
  expect(printed(false, withProgress)).toBe("Calling.\n\nDone.\n")
  expect(
    printed(
      true,
      (printer) => {
        printer.onText("One ")
        printer.endLine()
        printer.onText("two.")
        printer.end()
      },
      { isErrorTTY: false },
    ),
  ).toBe("One two.\n")
})

test("a retry before the first piece of text leaves no empty line", () => {
  const retried = (printer: ReturnType<typeof createAnswerPrinter>) => {
    for (let times = 0; times < 3; times++) printer.onRetry({ message: "The provider failed." })
    printer.onText("Done.")
    printer.end()
  }
  expect(printed(true, retried)).toBe("Done.\n")
})

test("a response with a final line break gets no second one, and an empty response gets none", () => {
  expect(
    printed(false, (printer) => {
      printer.onText("Done.\n")
      printer.end()
    }),
  ).toBe("Done.\n")
  expect(printed(false, (printer) => printer.end())).toBe("")
})
