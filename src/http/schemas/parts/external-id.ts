import { findExternalIdProblem, maxExternalIdCharacters } from "../../../core/external-id.ts"
import { printable } from "./printable.ts"

/** Describes the id that a client gives a session. */
export const externalId = printable(maxExternalIdCharacters).refine(
  (id) => findExternalIdProblem(id) === null,
  {
    message: "Invalid input: expected an id that does not begin with sess_",
  },
)
