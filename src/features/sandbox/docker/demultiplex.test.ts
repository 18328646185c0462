import { expect, test } from "vitest"
import { demultiplex } from "./demultiplex.ts"

function frame(stream: number, text: string): Buffer {
  const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0])
  header.writeUInt32BE(Buffer.byteLength(text), 4)
  return Buffer.concat([header, Buffer.from(text)])
}

test("frames are separated with any division into chunks", async () => {
  const wire = Buffer.concat([frame(1, "one"), frame(2, ""), frame(2, "error"), frame(1, "two")])
  for (let size = 1; size <= wire.length; size += 1) {
    async function* pieces() {
      for (let at = 0; at < wire.length; at += size) yield wire.subarray(at, at + size)
    }
    const said = { stdout: "", stderr: "" }
    for await (const { stream, bytes } of demultiplex(pieces())) said[stream] += Buffer.from(bytes).toString()
    expect(said).toEqual({ stdout: "onetwo", stderr: "error" })
  }
})
