/** Milliseconds that a timer can wait at most. Timers with a longer delay fire at once. */
export const longestTimerMs = 2_147_483_647
