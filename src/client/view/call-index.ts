import type { ViewMessage } from "./view.ts"

/** Position of a call in a view. */
export interface CallPlace {
  /** Index of the message. */
  readonly message: number
  /** Index of the part in the message. */
  readonly part: number
}

/**
 * Immutable map from the ids of calls to their places. The maps in it double in size, the newest and smallest first. So
 * an addition copies few entries on average, and earlier indexes stay as they are.
 */
export type CallIndex = readonly ReadonlyMap<string, CallPlace>[]

export function indexCalls(messages: readonly ViewMessage[]): CallIndex {
  const places = new Map<string, CallPlace>()
  for (const [message, { parts }] of messages.entries()) {
    for (const [at, part] of parts.entries()) {
      if (part.type === "tool") places.set(part.tool_call_id, { message, part: at })
    }
  }
  return [places]
}

/** Returns the index with a place that replaces an earlier one of the same call. */
export function addCall(index: CallIndex, toolCallId: string, place: CallPlace): CallIndex {
  let size = 1
  let merged = 0
  for (const places of index) {
    if (places.size > size) break
    size += places.size
    merged++
  }
  const oldestFirst = index.slice(0, merged).reverse()
  const places = new Map(oldestFirst.flatMap((places) => [...places])).set(toolCallId, place)
  return [places, ...index.slice(merged)]
}

/** Returns the place that was last added for a call. The part may have been removed since. */
export function findCall(index: CallIndex, toolCallId: string): CallPlace | null {
  for (const places of index) {
    const place = places.get(toolCallId)
    if (place !== undefined) return place
  }
  return null
}
