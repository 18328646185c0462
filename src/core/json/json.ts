export type Json = string | number | boolean | null | readonly Json[] | JsonObject

export type JsonObject = { readonly [key: string]: Json }

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

/**
 * Maximum nesting of arrays and objects in values from a model or a tool, because the code that reads such values is
 * recursive.
 */
const mostLevels = 100

export function nestsTooDeep(value: unknown, levels = mostLevels): boolean {
  if (typeof value !== "object" || value === null) return false
  if (levels === 0) return true
  return Object.values(value).some((item) => nestsTooDeep(item, levels - 1))
}

/**
 * Returns true if the JSON of the value has more than `maxCharacters` characters. Stops as soon as that is known.
 * Does not count the characters that escapes add.
 */
export function isLongerAsJson(value: unknown, maxCharacters: number): boolean {
  return countJsonCharacters(value, maxCharacters) > maxCharacters
}

/**
 * Returns the number of characters of the value's JSON, without those that escapes add. Stops at the first number that
 * is larger than `maxCharacters`.
 */
export function countJsonCharacters(value: unknown, maxCharacters: number): number {
  let left = maxCharacters
  const rest: unknown[] = [value]
  while (rest.length > 0 && left >= 0) {
    const item = rest.pop()
    if (typeof item === "string") left -= item.length + 2
    else if (typeof item !== "object" || item === null) left -= String(item).length
    else if (Array.isArray(item)) {
      left -= item.length + 1
      if (left >= 0) for (const element of item) rest.push(element)
    } else {
      left -= 1
      for (const key of Object.keys(item)) {
        left -= key.length + 4
        if (left < 0) return maxCharacters - left
        rest.push((item as Record<string, unknown>)[key])
      }
    }
  }
  return maxCharacters - left
}

/**
 * Returns the beginning of the JSON of the value, at most `maxCharacters` characters. Does not read the rest of the
 * value.
 */
export function formatJsonStart(value: unknown, maxCharacters: number): string {
  let text = ""
  const isFull = () => text.length >= maxCharacters
  const write = (item: unknown) => {
    if (typeof item === "string") text += JSON.stringify(item.slice(0, maxCharacters - text.length))
    else if (typeof item !== "object" || item === null) text += JSON.stringify(item)
    else if (Array.isArray(item)) writeArray(item)
    else writeObject(item as Record<string, unknown>)
  }
  const writeArray = (items: readonly unknown[]) => {
    text += "["
    for (const [index, item] of items.entries()) {
      if (isFull()) return
      if (index > 0) text += ","
      write(item)
    }
    text += "]"
  }
  const writeObject = (object: Record<string, unknown>) => {
    text += "{"
    let isFirst = true
    for (const key in object) {
      if (isFull()) return
      text += `${isFirst ? "" : ","}${JSON.stringify(key.slice(0, maxCharacters))}:`
      isFirst = false
      write(object[key])
    }
    text += "}"
  }
  write(value)
  return text.slice(0, maxCharacters)
}
