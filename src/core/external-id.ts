/** Maximum characters of an external id. */
export const maxExternalIdCharacters = 200

/**
 * Returns the problem of a text as the external id of a session, if there is one. The id of a session is no external
 * id, so that neither can be taken for the other.
 */
export function findExternalIdProblem(id: string): string | null {
  if (id === "") return "must not be empty"
  if (id.length > maxExternalIdCharacters) return `has more than ${maxExternalIdCharacters} characters`
  if (!id.isWellFormed() || /\p{Cc}/u.test(id)) return "must have printable characters only"
  return id.startsWith("sess_") ? "must not begin with sess_, as the ids of sessions do" : null
}
