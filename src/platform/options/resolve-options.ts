import { z } from "zod"
import { ConfigurationError } from "../../core/errors.ts"
import type { OptionSchemas, Resolved } from "./declare-options.ts"
import { describeIssues } from "./describe-issues.ts"

/**
 * Checks options and applies their defaults. Throws a `ConfigurationError` that names the caller and every unknown or
 * wrong option, but no value. An option that is undefined counts as not given.
 */
export function resolveOptions<Options extends object, Schemas extends OptionSchemas>(
  caller: string,
  schemas: Schemas,
  options: Options,
): Resolved<Options, Schemas> {
  const resolved = parseOptions(caller, z.strictObject(schemas), options)
  return removeUndefined(resolved) as Resolved<Options, Schemas>
}

/**
 * Checks a value against a schema that is more than a list of options, and applies the schema's defaults. Throws a
 * `ConfigurationError` like that of `resolveOptions`.
 */
export function parseOptions<Schema extends z.ZodType>(
  caller: string,
  schema: Schema,
  options: unknown,
): z.output<Schema> {
  const { success, data, error } = schema.safeParse(options)
  if (success) return data
  throw new ConfigurationError(`${caller}: ${describeIssues(error, schema)}`)
}

/** Returns the options that the schemas describe, unchanged. */
export function pickOptions<Options extends object, Schemas extends OptionSchemas>(
  schemas: Schemas,
  options: Options,
): Pick<Options, keyof Options & keyof Schemas> {
  const picked = Object.entries(options).filter(([name]) => Object.hasOwn(schemas, name))
  return Object.fromEntries(picked) as Pick<Options, keyof Options & keyof Schemas>
}

function removeUndefined(options: object): object {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}
