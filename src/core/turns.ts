/** Returns a function that starts each work when the one before has ended, well or not. */
export function createTurns(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const done = last.then(work)
    // Each caller learns of its own failure.
    last = done.catch(() => undefined)
    return done
  }
}
