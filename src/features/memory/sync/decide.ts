/** One memory on both sides: digests of its content. Null on a side where it does not exist. */
export interface Sides {
  /** The digest when the sides were last the same. */
  readonly base: string | null
  readonly file: string | null
  readonly stored: string | null
}

/**
 * `adopt`: both sides are the same. `restore`: the file was deleted although the stored memory had changed, so the
 * file is written again. `conflict`: both sides changed in different ways, and both are kept.
 */
export type SyncAction = "adopt" | "import" | "export" | "forget" | "removeFile" | "restore" | "conflict"

/** Decides the action for one memory. A side that did not change since the base never replaces one that did. */
export function decide({ base, file, stored }: Sides): SyncAction {
  if (file === stored) return "adopt"
  if (file === base) return stored === null ? "removeFile" : "export"
  if (stored === base) return file === null ? "forget" : "import"
  return file === null ? "restore" : "conflict"
}
