/** The end of a session, as `SessionLog.revokeSession` receives it. */
export interface Revocation {
  readonly sessionId: string
  readonly at: number
  /** Null if the session is kept as before. */
  readonly keepMs: number | null
}
