import { z } from "@hono/zod-openapi"
import { contextSchema, maxNameCharacters } from "../../http/schemas/parts/context.ts"
import { printableText } from "../../http/schemas/parts/printable.ts"

/** Maximum characters of the reason for a denial. */
const maxReasonCharacters = 4_096
const maxErrorCharacters = 16_384

/**
 * The body that `useChat` sends, and the members that an app may add with its option `body`. Of the conversation, only
 * the last message is read, because the gateway has the others.
 */
export const chatBodySchema = z.looseObject({
  id: z.string(),
  messages: z.array(z.unknown()).min(1),
  trigger: z.string().optional(),
  /** With the trigger `regenerate-message`: the response to write again. Absent for the last one. */
  messageId: z.string().optional(),
  context: contextSchema.optional(),
  model: z.string().min(1).max(maxNameCharacters).nullish(),
  when_busy: z.enum(["reject", "queue", "interrupt", "steer"]).optional(),
})

export const lastMessageSchema = z.looseObject({
  id: z.string().optional(),
  role: z.enum(["user", "assistant"]),
  metadata: z.unknown().optional(),
  parts: z.array(
    z.looseObject({
      type: z.string(),
      text: z.string().optional(),
      url: z.string().optional(),
      mediaType: z.string().optional(),
      state: z.string().optional(),
      toolCallId: z.string().optional(),
      approval: z.looseObject({ id: z.string() }).optional(),
    }),
  ),
})

/** The person's decision about a call. */
export const decisionSchema = z.object({
  approved: z.boolean(),
  reason: printableText(maxReasonCharacters).optional(),
})

/** The error of a call that the client has executed. */
export const failureSchema = z.object({ errorText: z.string().max(maxErrorCharacters) })

/** The metadata of a message that waits for answers, as the gateway has sent it. */
export const parkedMetadataSchema = z.object({
  runId: z.string(),
  cursor: z.int().nonnegative().optional(),
})

export type ChatBody = z.output<typeof chatBodySchema>
export type LastMessage = z.output<typeof lastMessageSchema>
