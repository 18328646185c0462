import type { JsonObject } from "../../../core/json/json.ts"
import type { Question } from "../../../core/question.ts"
import type { ToolOrigin } from "../../../core/tools/tool-origin.ts"
import type { NewWait } from "../../../core/wait.ts"
import { type AnyPayload, toFormerWaitId } from "../../../core/wait.ts"

/** The body of a wait's row as version 2 stored it. The first processes of version 2 stored no origin. */
export interface FormerWait {
  readonly waitId?: string
  readonly toolCallId: string
  readonly runId: string
  readonly kind: "approval" | "clientTool" | "elicitation"
  readonly toolName: string
  readonly input: JsonObject
  readonly inputSchema: JsonObject
  readonly qualifier: string | null
  readonly reason: string | null
  readonly origin?: ToolOrigin | null
  /** The first processes of version 2 stored only the server's name. */
  readonly server?: string
  readonly question?: Question
  readonly callIndex?: number
  readonly nonce: string
  readonly openedAt: number
  readonly expiresAt: number
}

export function convertFormerWait(former: FormerWait, sessionId: string): NewWait {
  const { kind, toolCallId, runId, toolName, server, nonce, openedAt, expiresAt } = former
  const { waitId = toFormerWaitId(kind, toolCallId), origin = createUnverifiedOrigin(server) } = former
  return {
    waitId,
    runId,
    toolCallId,
    toolName,
    origin,
    answerSchema: createSchema(former),
    nonce,
    openedAt,
    expiresAt,
    rootSessionId: sessionId,
    ...createPayload(former, origin),
  }
}

/** Converts a wait. Null for a kind that version 2 does not know. */
export function toFormerWait(wait: NewWait): FormerWait | null {
  const { waitId, toolCallId, runId, toolName, origin, nonce, openedAt, expiresAt } = wait
  const facts = { waitId, toolCallId, runId, toolName, origin, nonce, openedAt, expiresAt }
  const inputSchema = wait.answerSchema ?? {}
  switch (wait.kind) {
    case "approval":
      return { ...facts, kind: wait.kind, inputSchema, ...wait.payload }
    case "clientTool":
      return { ...facts, kind: wait.kind, inputSchema, qualifier: null, reason: null, ...wait.payload }
    case "elicitation": {
      const { question } = wait.payload
      return {
        ...facts,
        kind: wait.kind,
        input: {},
        inputSchema: {},
        qualifier: null,
        reason: null,
        question,
      }
    }
    case "child":
    case "timer":
      return null
    default:
      return wait satisfies never
  }
}

function createPayload(
  { kind, input, qualifier, reason, question, callIndex = 0 }: FormerWait,
  origin: ToolOrigin | null,
): AnyPayload {
  if (kind === "approval") return { kind, payload: { input, qualifier, reason } }
  if (kind === "clientTool") return { kind, payload: { input, callIndex } }
  if (question === undefined) throw new TypeError("An elicitation is stored without its question.")
  return { kind, payload: { question, server: origin?.server ?? null } }
}

function createSchema({ kind, inputSchema, question }: FormerWait): JsonObject | null {
  if (kind === "approval") return inputSchema
  return question?.mode === "form" ? question.schema : null
}

/** Returns an origin with only a server's name. It equals the origin of no tool. */
function createUnverifiedOrigin(server: string | undefined): ToolOrigin | null {
  return server === undefined ? null : { server, tool: "", identity: "", digest: "" }
}
