/**
 * Returns the properties that are not `undefined`, so that an omitted option and an `undefined` option mean the same.
 */
export function omitUndefined<Options extends object>(
  options: {
    readonly [Key in keyof Options]: Options[Key] | undefined
  },
): Options {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Options
}
