import { PassThrough } from "node:stream"
import { describe, expect, it } from "vitest"
import { readMessage } from "./run-message.ts"

/** Returns an input, and what the command prints while it reads. */
function createInput({ isTTY = false } = {}) {
  const stdin = Object.assign(new PassThrough(), { isTTY })
  const stopping = new AbortController()
  let printed = ""
  const stderr = { write: (text: string) => (printed += text), writeStyled: () => {} }
  return { stdin, stderr, signal: stopping.signal, stopping, printed: () => printed }
}

const given = { task: "Summarize.", takesInput: false }
const followed = (text: string) => `Summarize.\n\n<stdin>\n${text}\n</stdin>`

describe("readMessage", () => {
  it("appends piped text to the task", async () => {
    const input = createInput()
    input.stdin.write("first\n")
    const message = readMessage(given, input)
    input.stdin.end("second\n")
    expect(await message).toBe(followed("first\nsecond"))
  })

  it.each(["", " \n"])("uses the task alone if the input is %j", async (text) => {
    const input = createInput()
    input.stdin.end(text)
    expect(await readMessage(given, input)).toBe("Summarize.")
    expect(input.printed()).toBe("")
  })

  it("does not read from a terminal unless this was requested", async () => {
    const input = createInput({ isTTY: true })
    expect(await readMessage(given, input)).toBe("Summarize.")
    input.stdin.end("typed\n")
    expect(await readMessage({ ...given, takesInput: true }, input)).toBe(followed("typed"))
  })

  it("ignores a pipe without data, and says how to wait for it", async () => {
    const input = createInput()
    expect(await readMessage(given, input)).toBe("Summarize.")
    expect(input.printed()).toMatch(
      /^agent-gateway: stdin is a pipe without data .+ run FILE "TASK" -\. .+ < \/dev\/null\.\n$/,
    )
  })

  it.each([false, true])("stops waiting when the command is stopped (requested: %s)", async (takesInput) => {
    const input = createInput()
    const message = readMessage({ ...given, takesInput }, input)
    input.stopping.abort("SIGINT")
    await expect(message).rejects.toThrow()
    expect(input.printed()).toBe("")
  })

  it.each([
    ["longer than 1048576 bytes", Buffer.alloc(1024 * 1024 + 1, "x")],
    ["not UTF-8 text", Buffer.from([0x50, 0x4b, 0xff, 0xfe])],
  ])("refuses input that is %s", async (problem, content) => {
    const input = createInput()
    input.stdin.end(content)
    await expect(readMessage(given, input)).rejects.toThrow(`the input on stdin is ${problem}.`)
  })
})
