import { IncomingMessage } from "node:http"
import { Socket } from "node:net"
import { expect, it } from "vitest"
import { turnBytes } from "./body-reader.ts"
import { MessageReader } from "./message-reader.ts"

/** Returns the texts of all reads of a body whose chunks arrive before the first read. */
async function readAll(...chunks: readonly string[]): Promise<readonly string[]> {
  const message = new IncomingMessage(new Socket())
  const reader = new MessageReader(message)
  for (const chunk of chunks) message.emit("data", Buffer.from(chunk))
  message.emit("end")
  const texts: string[] = []
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    texts.push(Buffer.from(read.value).toString())
  }
  return texts
}

it("returns the chunks that wait in one read", async () => {
  expect(await readAll("a", "b", "c")).toEqual(["abc"])
})

it("returns the chunks of one turn of the event loop together, even if the read waited for them", async () => {
  const message = new IncomingMessage(new Socket())
  const reader = new MessageReader(message)
  const read = reader.read()
  for (const chunk of ["a", "b", "c"]) {
    message.emit("data", Buffer.from(chunk))
    // Node runs the promises of the process after each chunk.
    await Promise.resolve()
  }
  expect(Buffer.from((await read).value ?? []).toString()).toBe("abc")
})

it("joins no more chunks than one turn handles", async () => {
  const half = "x".repeat(turnBytes / 2)
  expect(await readAll(half, half, "y", "z")).toEqual([half + half, "yz"])
  expect(await readAll("a", half + half, "b")).toEqual(["a", half + half, "b"])
  expect(await readAll(half + half + half, "b")).toEqual([half + half + half, "b"])
})
