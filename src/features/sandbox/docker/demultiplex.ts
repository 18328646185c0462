import type { OutputChunk } from "../../../core/ports/tools/sandbox.ts"

const headerBytes = 8

/**
 * Splits the stream that the Engine API sends for a container without a terminal into its two streams. Each frame has
 * a header with the stream's number, three zeros and the length, big-endian.
 * https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerAttach
 */
export async function* demultiplex(source: AsyncIterable<Uint8Array>): AsyncGenerator<OutputChunk> {
  let header = new Uint8Array()
  let stream: OutputChunk["stream"] = "stdout"
  let left = 0
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length; ) {
      if (left === 0) {
        const taken = chunk.subarray(at, at + headerBytes - header.length)
        header = Buffer.concat([header, taken])
        at += taken.length
        if (header.length < headerBytes) continue
        stream = header[0] === 2 ? "stderr" : "stdout"
        left = new DataView(header.buffer, header.byteOffset).getUint32(4)
        header = new Uint8Array()
        continue
      }
      const bytes = chunk.subarray(at, at + left)
      at += bytes.length
      left -= bytes.length
      yield { type: "output", stream, bytes }
    }
  }
}
