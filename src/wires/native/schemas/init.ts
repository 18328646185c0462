import { z } from "@hono/zod-openapi"
import type { Claim } from "../../../http/auth/identify.ts"
import { externalId } from "../../../http/schemas/parts/external-id.ts"
import { identifier } from "../../../http/schemas/parts/identifier.ts"
import { printable } from "../../../http/schemas/parts/printable.ts"

const named = {
  external_id: externalId.optional().openapi({
    description:
      "Your own id of the session, unique for its user and agent. The session is created if it does not exist. Not " +
      "with `session_id`.",
    pattern: "^(?!sess_)[^\\u0000-\\u001f\\u007f-\\u009f]+$",
  }),
}

const scope = z
  .enum(["session", "user"])
  .optional()
  .openapi({
    description:
      "`user` for a token of the user, which opens lists of sessions and all protocols with conversations of the " +
      "client, and names no session. Default `session`.",
  })

function namesOneSession({
  session_id,
  external_id,
  scope,
}: Pick<Claim, "session_id" | "external_id" | "scope">): boolean {
  if (scope === "user") return session_id === undefined && external_id === undefined
  return session_id === undefined || external_id === undefined
}

/** The same rule in the OpenAPI document. */
const notBoth = { not: { required: ["session_id", "external_id"] } }

const oneName = {
  path: ["external_id"],
  message: "Expected either session_id or external_id, and neither with the scope user",
}

export const initRequestSchema = z
  // Clients with a misspelled `user_id` would all be the same user: that of the key.
  .strictObject({
    api_key: printable(4096).openapi({ description: "One of `validApiKeys`. Without that option, any key." }),
    user_id: printable(256)
      .optional()
      .openapi({ description: "The user of the key. Default: none, so that nothing is kept for a user." }),
    session_id: identifier
      .optional()
      .openapi({ description: "An existing session of the same key and user, for a fresh token." }),
    ...named,
    scope,
  })
  .refine(namesOneSession, oneName)
  .openapi("InitRequest", { ...notBoth, example: { api_key: "my-key", user_id: "ada" } })

/** The request body if the application identifies the user by the request's headers. */
export const personInitRequestSchema = z
  .object({
    session_id: identifier
      .optional()
      .openapi({ description: "An existing session of the same person, for a fresh token." }),
    ...named,
    scope,
  })
  .refine(namesOneSession, oneName)
  .openapi("InitRequest", { ...notBoth, example: {} })

export const initResponseSchema = z
  .object({
    session_token: z.string().openapi({ description: "A JWT, for the Authorization header." }),
    session_id: z.string().openapi({ description: "Id of the session, to get further tokens for it." }),
    user_id: z.string().openapi({ description: "The user that the session belongs to." }),
    agent: z.string().openapi({ description: "Name of the agent that the session is with." }),
    expires_at: z.int().openapi({
      description: "Time at which the token expires, in seconds since the Unix epoch. The session continues.",
    }),
  })
  .openapi("InitResponse", {
    example: {
      session_token: "eyJhbGciOiJIUzI1NiJ9.e30.c2ln",
      session_id: "sess_4fzyo82mvyr7jtnc1q9x",
      user_id: "ada",
      agent: "agent",
      expires_at: 1_790_000_000,
    },
  })

export const userTokenResponseSchema = z
  .object({
    user_token: z.string().openapi({ description: "A JWT, for the Authorization header." }),
    user_id: z.string().openapi({ description: "The user of the token." }),
    agent: z.string().openapi({ description: "Name of the only agent that the token is for." }),
    expires_at: z
      .int()
      .openapi({ description: "Time at which the token expires, in seconds since the Unix epoch." }),
  })
  .openapi("UserTokenResponse", {
    example: {
      user_token: "eyJhbGciOiJIUzI1NiJ9.e30.c2ln",
      user_id: "ada",
      agent: "agent",
      expires_at: 1_790_000_000,
    },
  })

export type UserTokenResponse = z.input<typeof userTokenResponseSchema>
export type InitResponse = z.input<typeof initResponseSchema>
