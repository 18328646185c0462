/**
 * Ids that clients bring back contain what finds their session, so that any process can serve them. They are no
 * secret: the session's owner is checked.
 */

/** The place of a response: the run, and the segment of the run if an answer started it. */
export interface ResponsePlace {
  readonly sessionId: string
  readonly runId: string
  /** Null for the first response of the run. */
  readonly segment: string | null
  /** If false, the response cannot be retrieved, and its session is deleted soon after its end. */
  readonly isStored: boolean
}

export function formatResponseId({ sessionId, runId, segment, isStored }: ResponsePlace): string {
  const parts = [withoutPrefix(sessionId), withoutPrefix(runId), ...(segment === null ? [] : [segment])]
  return `${isStored ? "resp" : "temp"}_${parts.join("_")}`
}

/** Returns null for an id that no gateway has made. */
export function parseResponseId(id: string): ResponsePlace | null {
  const match = /^(resp|temp)_([a-z0-9]+)_([a-z0-9]+)(?:_([a-z0-9]+))?$/.exec(id)
  if (match === null) return null
  const [, kind, session, run, segment = null] = match
  return { sessionId: `sess_${session}`, runId: `run_${run}`, segment, isStored: kind === "resp" }
}

/** The place of an item in the output of its response. `input` is the message that started the run. */
export interface ItemPlace {
  readonly response: ResponsePlace
  readonly index: number | "input"
}

/** The id of an item that is not stored does not lead to its session. */
export function formatItemId(type: "msg" | "rs" | "fc" | "mcp", { response, index }: ItemPlace): string {
  const { sessionId, runId, segment, isStored } = response
  const session = isStored ? [withoutPrefix(sessionId)] : []
  return [type, ...session, withoutPrefix(runId), ...(segment === null ? [] : [segment]), index].join("_")
}

/** Returns null for an id that no gateway has made, and for one of an item that is not stored. */
export function parseItemId(id: string): ItemPlace | null {
  const match = /^(?:msg|rs|fc|mcp)_([a-z0-9]+)_([a-z0-9]+)(?:_([a-z0-9]+))?_(\d{1,9}|input)$/.exec(id)
  if (match === null) return null
  const [, session, run, segment = null, index] = match
  const response = { sessionId: `sess_${session}`, runId: `run_${run}`, segment, isStored: true }
  return { response, index: index === "input" ? "input" : Number(index) }
}

/** The place of a call that waits for an answer. */
export interface CallPlace {
  readonly sessionId: string
  readonly toolCallId: string
}

export function formatCallId({ sessionId, toolCallId }: CallPlace): string {
  return `call_${withoutPrefix(sessionId)}_${withoutPrefix(toolCallId)}`
}

export function formatApprovalId({ sessionId, toolCallId }: CallPlace): string {
  return `mcpr_${withoutPrefix(sessionId)}_${withoutPrefix(toolCallId)}`
}

/** Returns null for an id of another service, which an earlier conversation may contain. */
export function parseCallId(id: string): CallPlace | null {
  const match = /^(?:call|mcpr)_([a-z0-9]+)_([a-z0-9]+)$/.exec(id)
  return match === null ? null : { sessionId: `sess_${match[1]}`, toolCallId: `call_${match[2]}` }
}

/**
 * An answer to a sub-agent is not in the log of the run. The response that it starts begins where the run waits for the
 * sub-agent, so its segment has this call before the hash of the answers.
 */
export function formatSubAgentSegment(toolCallId: string, hash: string): string {
  return `${withoutPrefix(toolCallId)}${hash}`
}

/** Number of characters of the hash of answers. */
export const hashLength = 16

/** Returns the call of a sub-agent at whose wait a segment begins. Null if an answer in the log starts it. */
export function readSubAgentCall(segment: string | null): string | null {
  return segment === null || segment.length <= hashLength ? null : `call_${segment.slice(0, -hashLength)}`
}

export function withoutPrefix(id: string): string {
  return id.slice(id.indexOf("_") + 1)
}
