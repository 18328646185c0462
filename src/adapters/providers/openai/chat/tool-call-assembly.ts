import type { JsonObject } from "../../../../core/json/json.ts"
import { parseObject } from "../../tool-calls/call-input.ts"
import type { ToolCallDelta } from "./chunk.ts"

/** A call that is built from its pieces. */
export interface AssembledCall {
  id: string | null
  name: string
  /** The arguments: JSON, or an invalid text. */
  arguments: string
  extra: JsonObject
}

/**
 * Assembles calls from pieces. A piece belongs to the call with its index. If it has no index, it belongs to the call
 * with its id, and otherwise to the last call. Some servers give every call the index 0, give each piece of one call
 * a new id, repeat the name in each piece, or send no ids at all. Therefore a piece starts a new call only if it
 * cannot continue the call that it would belong to.
 */
export class ToolCallAssembly {
  readonly #byIndex = new Map<number, AssembledCall>()
  readonly #calls: AssembledCall[] = []

  /** Returns the call that the piece belongs to. Null if it belongs to none. */
  add(piece: ToolCallDelta): { readonly call: AssembledCall; readonly isNew: boolean } | null {
    const call = this.#callOf(piece)
    if (call === undefined && isEmpty(piece)) return null
    const isNew = call === undefined || startsNewCall(piece, call)
    const target = isNew ? { id: null, name: "", arguments: "", extra: {} } : call
    target.id ??= piece.id
    target.name ||= piece.name ?? ""
    target.arguments += piece.arguments
    target.extra = { ...target.extra, ...piece.extra }
    if (piece.index !== null) this.#byIndex.set(piece.index, target)
    if (isNew) this.#calls.push(target)
    return { call: target, isNew }
  }

  #callOf({ index, id, name }: ToolCallDelta): AssembledCall | undefined {
    if (index !== null) return this.#byIndex.get(index)
    const ofId = id === null ? undefined : this.#calls.find((call) => call.id === id)
    return ofId ?? (id !== null && name !== null ? undefined : this.#calls.at(-1))
  }
}

function isEmpty({ id, name, arguments: input }: ToolCallDelta): boolean {
  return id === null && name === null && input === ""
}

/**
 * Returns true if the piece starts a new call instead of continuing this one, which its index or its position
 * suggests.
 */
function startsNewCall(piece: ToolCallDelta, call: AssembledCall): boolean {
  if (piece.name === null || (piece.id !== null && piece.id === call.id)) return false
  const isWhole = parseObject(call.arguments) !== null
  // A call with incomplete arguments continues, whatever the piece contains.
  if (call.arguments !== "" && !isWhole) return false
  if (piece.id !== null) return call.id !== null
  if (call.name !== "" && piece.name !== call.name) return true
  if (isWhole) return piece.arguments !== ""
  // If neither has arguments, and there is no index, the piece continues nothing.
  return piece.index === null && call.name !== "" && piece.arguments === ""
}
