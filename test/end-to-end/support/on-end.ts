import { afterAll } from "vitest"

/** Takes what is to be done when whatever uses a resource is over; the last one taken is done first. */
export type OnEnd = (end: () => Promise<void>) => void

/** For what all tests of a file share. To be called at the file's top level. */
export function atEndOfFile(): OnEnd {
  const ends: (() => Promise<void>)[] = []
  afterAll(async () => {
    for (const end of ends.reverse()) await end()
  })
  return (end) => ends.push(end)
}
