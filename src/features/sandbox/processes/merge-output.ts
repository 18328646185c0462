import type { Readable } from "node:stream"
import type { OutputChunk } from "../../../core/ports/tools/sandbox.ts"

/** Merges both streams. Yields each chunk as soon as it arrives. Reads only little more than the consumer takes. */
export async function* mergeOutput(stdout: Readable, stderr: Readable): AsyncGenerator<OutputChunk> {
  const sources = [
    { stream: "stdout", pipe: stdout },
    { stream: "stderr", pipe: stderr },
  ] as const
  const changes = watchChanges([stdout, stderr])
  try {
    for (;;) {
      const change = changes.next()
      for (const { stream, pipe } of sources) {
        const bytes: Uint8Array | null = pipe.read()
        if (bytes !== null) yield { type: "output", stream, bytes }
      }
      if (sources.every(({ pipe }) => pipe.readableEnded || pipe.destroyed)) return
      if (sources.every(({ pipe }) => pipe.readableLength === 0)) await change
    }
  } finally {
    changes.end()
    for (const { pipe } of sources) pipe.destroy()
  }
}

/**
 * Returns an object whose `next()` resolves at the next change. A race of both pipes' promises is not used: the
 * silent pipe would remember each race, with the output of the other pipe, until it sends something.
 */
function watchChanges(pipes: readonly Readable[]) {
  const names = ["readable", "end", "close", "error"] as const
  let { promise, resolve } = Promise.withResolvers<void>()
  const onChange = () => resolve()
  for (const pipe of pipes) for (const name of names) pipe.on(name, onChange)
  return {
    next(): Promise<void> {
      ;({ promise, resolve } = Promise.withResolvers<void>())
      return promise
    },
    end() {
      // An error after reading has stopped contains no new information.
      for (const pipe of pipes) for (const name of ["readable", "end", "close"]) pipe.off(name, onChange)
    },
  }
}
