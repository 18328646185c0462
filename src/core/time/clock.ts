/** Milliseconds since the Unix epoch. Injected, so that tests are deterministic. */
export interface Clock {
  now(): number
}

export const systemClock: Clock = { now: () => Date.now() }
