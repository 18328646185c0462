/**
 * Maximum bytes of an init request. This is enough for an API key, a user and a session with every character escaped.
 */
export const maxInitBodyBytes = 32 * 1024
/** Maximum values in an init request. A valid request has fewer. */
export const maxInitValues = 64
