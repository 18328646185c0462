import { z } from "@hono/zod-openapi"
import { isJsonObject, type JsonObject } from "../../../core/json/json.ts"
import { isLongerThan } from "./json-length.ts"

/** Maximum characters of the context's JSON, which is stored with the run. */
const maxContextCharacters = 65_536
export const maxNameCharacters = 256

/** The app's own data for a run. */
export const contextSchema = z
  .custom<JsonObject>(isJsonObject, "Invalid input: expected object")
  .refine((context) => !("channel" in context) || isChannel(context.channel), {
    path: ["channel"],
    message: `Invalid input: expected a string of 1 to ${maxNameCharacters} characters`,
  })
  .refine((context) => !isLongerThan(maxContextCharacters, context), {
    message: `Too big: expected at most ${maxContextCharacters} characters of JSON`,
  })
  .openapi({
    type: "object",
    additionalProperties: true,
    properties: {
      channel: {
        type: "string",
        minLength: 1,
        maxLength: maxNameCharacters,
        description: "Name of the client's channel, such as `voice`.",
      },
    },
    description: "The app's own data for this run. `channel` may choose how the run is executed.",
  })

function isChannel(value: unknown): boolean {
  return typeof value === "string" && value.length > 0 && value.length <= maxNameCharacters
}
