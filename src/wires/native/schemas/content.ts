import { z } from "@hono/zod-openapi"
import { addressStart, isWebAddress, maxUrlLength } from "../../../http/content/web-address.ts"
import { isBase64 } from "../../../http/schemas/parts/base64.ts"

const imageMediaTypes = ["image/png", "image/jpeg", "image/gif", "image/webp"] as const

/** Text that a client may send. */
export const textInputSchema = z
  .object({ type: z.literal("text"), text: z.string().min(1) })
  .openapi("TextInput")

export const imageInputSchema = z
  .object({
    type: z.literal("image"),
    source: z.discriminatedUnion("type", [
      z.object({
        type: z.literal("base64"),
        media_type: z.enum(imageMediaTypes),
        data: z
          .string()
          .min(1)
          .refine(isBase64, "Invalid base64-encoded string")
          .openapi({ pattern: "^([0-9A-Za-z+/]{4})*([0-9A-Za-z+/]{2}==|[0-9A-Za-z+/]{3}=)?$" }),
      }),
      z.object({
        type: z.literal("url"),
        // The time to parse a URL grows with its length, and is longer if the parts are needed.
        url: z
          .string()
          .max(maxUrlLength, { abort: true })
          .refine(isWebAddress, "Invalid URL")
          .openapi({ format: "uri", pattern: addressStart }),
      }),
    ]),
  })
  .openapi("ImageInput")

/** Content that a client receives. A tool may return images of any type. */
export const textBlockSchema = z.object({ type: z.literal("text"), text: z.string() }).openapi("TextBlock")

export const imageBlockSchema = z
  .object({
    type: z.literal("image"),
    source: z.discriminatedUnion("type", [
      z.object({ type: z.literal("base64"), media_type: z.string(), data: z.string() }),
      z.object({ type: z.literal("url"), url: z.string() }),
    ]),
  })
  .openapi("ImageBlock")

export const usageSchema = z
  .object({
    input_tokens: z
      .int()
      .openapi({ description: "Input that was neither read from a cache nor written to one." }),
    output_tokens: z.int().openapi({ description: "Output, thinking included." }),
    cache_creation_input_tokens: z.int().openapi({ description: "Input that was written to a cache." }),
    cache_read_input_tokens: z.int().openapi({ description: "Input that was read from a cache." }),
    estimated_cost: z
      .number()
      .nullable()
      .openapi({ description: "US dollars; null if the price is not known." }),
  })
  .openapi("Usage")

export const anyJsonSchema = z.unknown().openapi({ description: "Any JSON value." })

export const toolInputSchema = z
  .record(z.string(), z.unknown())
  .openapi({ description: "The tool's arguments." })

export const toolErrorSchema = z
  .object({
    code: z.string(),
    sub_code: z.string().optional().openapi({ description: "A more specific code, if the tool has one." }),
    message: z.string(),
  })
  .nullable()

/** The members of a result that is not an error. */
export const resultMarks = {
  is_error: z.literal(true).optional().openapi({
    description: "Present if the call failed and `result` says why. Then `error` is null.",
  }),
  warning: z
    .string()
    .optional()
    .openapi({ description: "A note of the tool, which the model receives as well." }),
}

export type WireContentBlock = z.input<typeof textBlockSchema> | z.input<typeof imageBlockSchema>
export type WireToolError = z.input<typeof toolErrorSchema>

export const providerMessageSchema = z.string().optional().openapi({
  description:
    "The provider's own message if a model call failed. Only with the option `showProviderErrors`, and with `dev`.",
})
