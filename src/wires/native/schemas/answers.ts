import { z } from "@hono/zod-openapi"
import type { JsonObject } from "../../../core/json/json.ts"
import { isJsonObject } from "../../../core/json/json.ts"
import { identifier } from "../../../http/schemas/parts/identifier.ts"
import { printable, printableText } from "../../../http/schemas/parts/printable.ts"
import { anyJsonSchema } from "./content.ts"

const maxReasonCharacters = 4_096
const maxErrorCharacters = 16_384
const maxWarningCharacters = 4_096

/**
 * Members that identify a wait. Unknown members are refused, because an answer with a misspelled member would be
 * another answer, and the first answer counts.
 */
const wait = {
  tool_call_id: identifier.openapi({ description: "The call that waits." }),
  nonce: identifier.openapi({ description: "The nonce of the request." }),
}

export const toolApprovalRequestSchema = z
  .strictObject({
    ...wait,
    nonce: z
      .string()
      .regex(/^[\w-]{0,128}$/)
      .openapi({ description: "The nonce of the request." }),
    approved: z
      .boolean()
      .openapi({ description: "If true, the call runs. If false, the model learns that it was denied." }),
    allow_tool_type: z.boolean().optional().openapi({
      description: "Allows this tool, with this qualifier, for the rest of the session. Only when approved.",
    }),
    scope: z
      .enum(["session", "tree"])
      .optional()
      .openapi({
        description:
          "The sessions that `allow_tool_type` holds for: the one whose tool asked, or all sessions " +
          "of its tree, also those that start later. Default `session`.",
      }),
    tool_input: z.custom<JsonObject>(isJsonObject, "Invalid input: expected object").nullish().openapi({
      type: "object",
      additionalProperties: true,
      description:
        "Arguments that replace the model's and match the tool's schema. Only with `approved: true`.",
    }),
    reason: printableText(maxReasonCharacters)
      .nullish()
      .openapi({ description: "The model receives it on denial." }),
  })
  .openapi("ToolApprovalRequest", {
    example: {
      tool_call_id: "call_4fzyo82mvyr7jtnc1q9x",
      nonce: "nonce_q9x4fzyo82mvyr7jtnc1",
      approved: true,
    },
  })

export const elicitationRequestSchema = z
  .strictObject({
    ...wait,
    action: z.enum(["accept", "decline", "cancel"]).openapi({
      description: "`decline`: the user refused. `cancel`: the user closed the question without an answer.",
    }),
    content: z.custom<JsonObject>(isJsonObject, "Invalid input: expected object").nullish().openapi({
      type: "object",
      additionalProperties: true,
      description: "The values of the form, which match its schema. Present exactly if a form is accepted.",
    }),
  })
  .openapi("ElicitationRequest", {
    example: {
      tool_call_id: "call_4fzyo82mvyr7jtnc1q9x",
      nonce: "nonce_q9x4fzyo82mvyr7jtnc1",
      action: "accept",
      content: { email: "ada@example.com" },
    },
  })

export const toolResultRequestSchema = z
  .strictObject({
    ...wait,
    result: anyJsonSchema.optional(),
    is_error: z
      .boolean()
      .optional()
      .openapi({ description: "If true, the call failed, and `result` says why. Only without an `error`." }),
    warning: z
      .string()
      .min(1)
      .max(maxWarningCharacters)
      .optional()
      .openapi({ description: "A note that the model receives with the result. Only without an `error`." }),
    error: z
      .strictObject({
        code: printable(128),
        sub_code: printable(128).optional(),
        message: z.string().max(maxErrorCharacters),
      })
      .nullish()
      .openapi({ description: "The reason that there is no result. The model receives it." }),
  })
  .refine(({ result = null, error = null }) => result === null || error === null, {
    message: "Expected either a result or an error",
  })
  .refine(({ is_error, warning, error = null }) => error === null || (!is_error && warning === undefined), {
    message: "is_error and warning belong to a result, not to an error",
  })
  .openapi("ToolResultRequest", {
    description: "Without an error, an absent result means `null`.",
    anyOf: [
      { properties: { error: { type: "null" } } },
      { properties: { result: { type: "null" }, is_error: { enum: [false] }, warning: { not: {} } } },
    ],
    example: {
      tool_call_id: "call_4fzyo82mvyr7jtnc1q9x",
      nonce: "nonce_q9x4fzyo82mvyr7jtnc1",
      result: { clicked: true },
      error: null,
    },
  })
