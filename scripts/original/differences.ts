import type { Json } from "../../src/core/json/json.ts"
import type { RequestsByConversation } from "./requests.ts"

/** A difference of one script, with all requests that have it. */
export interface Difference {
  /** For example `tools.run_agent.description` or `messages.2.content.0.cache_control`. */
  readonly path: string
  /** `agent`, or `sub-agent: TASK`. */
  readonly conversation: string
  /** JSON on each side, or `(nothing)`. */
  readonly original: string
  readonly here: string
  /** Numbers of the requests in the conversation, counted from 1. */
  readonly requests: readonly number[]
}

/** Lists the differences between the requests of both sides. Objects and lists are compared by their members. */
export function listDifferences(
  original: RequestsByConversation,
  here: RequestsByConversation,
): readonly Difference[] {
  const found = new Map<string, Difference>()
  for (const conversation of Object.keys({ ...original, ...here })) {
    const [a, b] = [original[conversation] ?? [], here[conversation] ?? []]
    for (let index = 0; index < Math.max(a.length, b.length); index++) {
      for (const each of compare(a[index], b[index], [])) {
        const difference = { conversation, ...each, requests: [] }
        const key = JSON.stringify(difference)
        const { requests } = found.get(key) ?? difference
        found.set(key, { ...difference, requests: [...requests, index + 1] })
      }
    }
  }
  return [...found.values()]
}

type Place = Pick<Difference, "path" | "original" | "here">

function compare(
  original: Json | undefined,
  here: Json | undefined,
  path: readonly string[],
): readonly Place[] {
  const [a, b] = [membersOf(original), membersOf(here)]
  if (a !== null && b !== null) {
    return Object.keys({ ...a, ...b }).flatMap((name) => compare(a[name], b[name], [...path, name]))
  }
  return original === here ? [] : [{ path: path.join("."), original: show(original), here: show(here) }]
}

function membersOf(value: Json | undefined): Readonly<Record<string, Json>> | null {
  return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value)) : null
}

function show(value: Json | undefined): string {
  return value === undefined ? "(nothing)" : JSON.stringify(value)
}

const shownCharacters = 80

/** Formats a difference as three lines. Of long values, they show the part that begins to differ. */
export function describeDifference({ path, conversation, original, here, requests }: Difference): string {
  let same = 0
  while (same < Math.min(original.length, here.length) && original[same] === here[same]) same += 1
  const from = same < shownCharacters / 2 ? 0 : same - shownCharacters / 4
  const show = (text: string) => {
    const part = text.slice(from, from + shownCharacters)
    return `${from > 0 ? "…" : ""}${part}${text.length > from + shownCharacters ? "…" : ""}`
  }
  const where = `${path || "the request"} (${conversation}; request ${requests.join(", ")})`
  return `${where}\n    - ${show(original)}\n    + ${show(here)}`
}
