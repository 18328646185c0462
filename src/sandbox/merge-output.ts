import type { Readable } from "node:stream"
import type { OutputChunk } from "../core/ports/sandbox.ts"

/** Both streams as one, each chunk as soon as it is there. Reads no further than what is taken. */
export async function* mergeOutput(stdout: Readable, stderr: Readable): AsyncGenerator<OutputChunk> {
  const sources = new Map(
    (
      [
        ["stdout", stdout],
        ["stderr", stderr],
      ] as const
    ).map(([stream, readable]) => {
      const iterator: AsyncIterator<Uint8Array> = readable[Symbol.asyncIterator]()
      return [stream, next(stream, iterator)]
    }),
  )
  try {
    while (sources.size > 0) {
      const { stream, iterator, result } = await Promise.race(sources.values())
      if (result.done === true) {
        sources.delete(stream)
        continue
      }
      sources.set(stream, next(stream, iterator))
      yield { type: "output", stream, bytes: result.value }
    }
  } finally {
    stdout.destroy()
    stderr.destroy()
  }
}

interface Next {
  readonly stream: OutputChunk["stream"]
  readonly iterator: AsyncIterator<Uint8Array>
  readonly result: IteratorResult<Uint8Array>
}

async function next(stream: OutputChunk["stream"], iterator: AsyncIterator<Uint8Array>): Promise<Next> {
  // A pipe that is destroyed before its end has nothing more to say.
  const result = await iterator.next().catch(() => ({ done: true, value: undefined }) as const)
  return { stream, iterator, result }
}
