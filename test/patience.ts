/**
 * Time in ms that a test waits for a condition before it reports what did not happen. It bounds a hang and asserts
 * nothing: a machine may stall for seconds at any moment, so no test relies on a shorter time.
 */
export const patienceMs = 120_000

/**
 * Time in ms that a test may take. It is longer than a few waits, because a test waits for one condition after another,
 * and starts several processes.
 */
export const testLimitMs = 4 * patienceMs
