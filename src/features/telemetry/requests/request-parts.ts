import { isJsonObject, type Json } from "../../../core/json/json.ts"

/**
 * The body of a request, with the numbers of parts for its values. An array, such as the list of messages, has a part
 * for each element, in ranges of a first number and a count. The only member of a body that is no object has no name.
 */
export type PartedBody = readonly (readonly [name: string, parts: number | readonly PartRange[]])[]
export type PartRange = readonly [first: number, count: number]

/** Adds a part, or finds it, and returns its number. */
export type AddPart = (value: unknown) => Promise<number>

/** Divides a body: each message, each block of the system prompt, each tool, and each other member is a part. */
export async function divideBody(body: unknown, add: AddPart): Promise<PartedBody> {
  if (!isJsonObject(body)) return [["", await add(body)]]
  const divided: (readonly [string, number | readonly PartRange[]])[] = []
  for (const [name, value] of Object.entries(body)) {
    if (value === undefined) continue
    divided.push([name, Array.isArray(value) ? await addElements(value, add) : await add(value)])
  }
  return divided
}

async function addElements(elements: readonly Json[], add: AddPart): Promise<readonly PartRange[]> {
  const ranges: [first: number, count: number][] = []
  for (const element of elements) {
    const number = await add(element)
    const last = ranges.at(-1)
    if (last !== undefined && last[0] + last[1] === number) last[1] += 1
    else ranges.push([number, 1])
  }
  return ranges
}

/** Returns the body again. */
export function joinBody(divided: PartedBody, parts: readonly Json[]): Json {
  const find = (number: number) => parts[number] ?? null
  const members = divided.map(([name, value]) => {
    if (typeof value === "number") return [name, find(value)] as const
    return [name, value.flatMap(([first, count]) => parts.slice(first, first + count))] as const
  })
  const [[first, whole] = ["-", null]] = members
  return first === "" ? whole : Object.fromEntries(members)
}
