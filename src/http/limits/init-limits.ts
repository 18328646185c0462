/** An API key, a user and a session, each character escaped. */
export const maxInitBodyBytes = 32 * 1024
/** More than an init request has members. */
export const maxInitValues = 64
