import { z } from "@hono/zod-openapi"

/** The form of the gateway's own ids. */
export const identifier = z.string().regex(/^[\w-]{1,128}$/)
