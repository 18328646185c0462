/** The properties that are set: an option left out and one given as `undefined` are the same. */
export function definedOnly<Options extends object>(
  options: {
    readonly [Key in keyof Options]: Options[Key] | undefined
  },
): Options {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Options
}
