/** Returns the first value that occurs a second time. Undefined if there is none. */
export function findRepeated(values: readonly string[]): string | undefined {
  return values.find((value, index) => values.indexOf(value) !== index)
}
