/** Maximum milliseconds of a timer. Timers with a longer delay fire at once. */
export const longestTimerMs = 2_147_483_647
