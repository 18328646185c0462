import { z } from "zod"
import { omitUndefined } from "../../core/defined-only.ts"
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
  return omitUndefined<object>(resolved) as Resolved<Options, Schemas>
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
