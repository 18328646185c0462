/** The answer of `GET /ready`. */
export interface Readiness {
  readonly ready: boolean
  /** The checks by the name of the part that each one looks at. `detail` is shown to anyone. */
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly detail?: string }>>
}
