import { afterAll } from "vitest"

/** Registers a cleanup function. Cleanup functions run in reverse order when the owner of a resource ends. */
export type OnEnd = (end: () => Promise<void>) => void

/** Registers cleanup for resources that all tests of a file share. Must be called at the top level of the file. */
export function atEndOfFile(): OnEnd {
  const ends: (() => Promise<void>)[] = []
  afterAll(async () => {
    for (const end of ends.reverse()) await end()
  })
  return (end) => ends.push(end)
}
