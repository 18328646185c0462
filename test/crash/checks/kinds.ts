/** Prefix of violations about accepted work that did not end or had no effect. */
export const lost = "lost:"

/** Prefix of violations about an effect that happened too often or not often enough. */
export const repeated = "effect:"
