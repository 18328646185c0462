import type { ContentPart } from "../../../core/history/messages.ts"
import { type Exchange, findOwnSession } from "../context.ts"
import { createNotFound, createUnsupported } from "../errors.ts"
import { formatItemId, formatResponseId, parseCallId, parseItemId, type ResponsePlace } from "../ids.ts"
import type { Item } from "./items.ts"
import { findResponse, readStored } from "./read-response.ts"
import type { InputItem } from "./schemas.ts"

/** An item that the gateway has given out. `user` is the message that started a run. */
export type KnownItem =
  | Item
  | { readonly id: string; readonly type: "user"; readonly content: readonly ContentPart[] }

/** The items that an input names in place of their content. */
export interface References {
  /** The items by their ids. Requests for approval, which are no part of a history, are left out. */
  readonly items: ReadonlyMap<string, KnownItem>
  /** Root sessions of the trees that have the items. */
  readonly rootIds: ReadonlySet<string>
}

/** Maximum responses whose items one request names. In a conversation, which reads none, maximum sessions. */
const maxGroups = 200
/** Maximum characters of the named items, as many as a large body has. */
const maxCharacters = 4 * 1024 * 1024

/**
 * Resolves to the items that the input names. Rejects with a 404 problem for an item that is not the caller's. If
 * `isLogged`, the session of the request has the items already, and they are not read.
 */
export async function readReferences(
  exchange: Exchange,
  input: readonly InputItem[],
  { isLogged }: { readonly isLogged: boolean },
): Promise<References> {
  const groups = groupReferences(input, { isLogged })
  if (groups.size > maxGroups) throw createTooMuch()
  const items = new Map<string, KnownItem>()
  const rootIds = new Set<string>()
  let characters = 0
  for (const { sessionId, response, ids } of groups.values()) {
    const session = await findOwnSession(exchange, sessionId)
    if (session === null) throw createItemNotFound(ids)
    rootIds.add(session.rootId)
    if (response === null) continue
    const known = await readItems(exchange, response)
    for (const id of ids) {
      const item = known.find((each) => each.id === id)
      if (item === undefined) throw createItemNotFound([id])
      characters += JSON.stringify(item).length
      if (characters > maxCharacters) throw createTooMuch()
      items.set(id, item)
    }
  }
  return { items, rootIds }
}

/** References to items that are checked and read together: those of one response, or those of one session. */
interface Group {
  readonly sessionId: string
  /** Null if the items are not read: those of a conversation, and requests for approval. */
  readonly response: ResponsePlace | null
  readonly ids: string[]
}

function groupReferences(
  input: readonly InputItem[],
  { isLogged }: { readonly isLogged: boolean },
): ReadonlyMap<string, Group> {
  const groups = new Map<string, Group>()
  for (const item of input) {
    if (item.type !== "item_reference") continue
    const { id } = item
    const place = parseItemId(id)?.response
    const sessionId = place?.sessionId ?? parseCallId(id)?.sessionId
    if (sessionId === undefined) throw createItemNotFound([id])
    const response = isLogged || place === undefined ? null : place
    const key = response === null ? sessionId : formatResponseId(response)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { sessionId, response, ids: [id] })
    else group.ids.push(id)
  }
  return groups
}

async function readItems(exchange: Exchange, place: ResponsePlace): Promise<readonly KnownItem[]> {
  const found = await findResponse(exchange, place)
  if (found === null) return []
  const { state } = await readStored(exchange, found)
  const user: KnownItem = {
    id: formatItemId("msg", { response: place, index: "input" }),
    type: "user",
    content: state.started?.content ?? [],
  }
  return [user, ...state.output.map(({ item }) => item)]
}

function createItemNotFound([id]: readonly string[]) {
  return createNotFound(`There is no stored item ${id}, or it has expired.`)
}

function createTooMuch() {
  return createUnsupported(
    "input",
    "The input names too many items. Continue the conversation with previous_response_id.",
  )
}
