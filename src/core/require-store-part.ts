import { ConfigurationError } from "./errors.ts"
import type { OptionalStorePart } from "./ports/store/store.ts"

/**
 * Returns the part of a store. Throws a `ConfigurationError` if the store lacks it. `user` names the option or the
 * function that needs the part.
 */
export function requireStorePart<Part>(part: Part | undefined, name: OptionalStorePart, user: string): Part {
  if (part !== undefined) return part
  throw new ConfigurationError(
    `${user}: the store has no part \`${name}\`. Use a store that has it, such as sqliteStore() or postgresStore(), ` +
      `or do without ${user}.`,
  )
}
