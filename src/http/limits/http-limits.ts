/** Bounds on what one request may contain. */
export interface HttpLimits {
  /** Bytes of a body of `POST /chat`. Default 4 MiB. */
  readonly chatBodyBytes: number
  /** Bytes of any other body. `POST /chat/init` takes at most 32 KiB of them. Default 256 KiB. */
  readonly bodyBytes: number
  /** Levels of objects and arrays in a body. Default 64. */
  readonly jsonDepth: number
  /** JSON values and member names in a body, at every level together. Default 20 000. */
  readonly jsonValues: number
  /**
   * Open connections from one network address, on the gateway's own server. Not counted with `trustProxy`, because all
   * connections then come from the proxy. Default 1 000.
   */
  readonly connectionsPerAddress: number
  /** Event streams of one session that are open at once in this process. Default 100. */
  readonly viewersPerSession: number
}

export const defaultHttpLimits: HttpLimits = {
  chatBodyBytes: 4 * 1024 * 1024,
  bodyBytes: 256 * 1024,
  jsonDepth: 64,
  jsonValues: 20_000,
  connectionsPerAddress: 1_000,
  viewersPerSession: 100,
}

/** Requests a minute. Each process counts for itself. */
export interface RateLimits {
  /**
   * `POST /chat/init` requests of one user of an API key from one network address, or of one person where the
   * application authenticates. Default 60.
   */
  readonly initPerMinute: number
  /**
   * POST and DELETE requests of one session, except `POST /chat/revoke`, and its GET requests that list sessions.
   * Default 120.
   */
  readonly requestsPerMinute: number
  /** Requests with the same wrong key or token from one network address. Default 30. */
  readonly failuresPerMinute: number
}

export const defaultRateLimits: RateLimits = {
  initPerMinute: 60,
  requestsPerMinute: 120,
  failuresPerMinute: 30,
}

/** An API key, a user and a session, each character escaped. */
export const maxInitBodyBytes = 32 * 1024
/** More than an init request has members. */
export const maxInitValues = 64
