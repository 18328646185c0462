/** How violations begin that are about something accepted that did not come to its end, or had no effect. */
export const lost = "lost:"

/** How violations begin that are about an effect that came too often, or not often enough. */
export const repeated = "effect:"
