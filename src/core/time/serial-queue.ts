/** Returns a function that starts each work after the previous one has settled. */
export function createSerialQueue(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const done = last.then(work)
    // Each caller receives its own failure.
    last = done.catch(() => undefined)
    return done
  }
}
