/** The response of `GET /ready`. */
export interface Readiness {
  readonly ready: boolean
  /** The checks, by the name of the checked part. Anyone can see `detail`. */
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly detail?: string }>>
}
