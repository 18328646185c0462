import { z } from "@hono/zod-openapi"

const message = "Invalid input: expected printable characters"

/** Describes one line of text for logs and the store, without control characters and lone surrogates. */
export function printable(maxLength: number) {
  return z
    .string()
    .min(1)
    .max(maxLength, { abort: true })
    .refine(isPrintable, message)
    .openapi({ pattern: "^[^\\u0000-\\u001f\\u007f-\\u009f]+$" })
}

/** Describes several lines of such text. */
export function printableText(maxLength: number) {
  return z
    .string()
    .max(maxLength, { abort: true })
    .refine((value) => isPrintable(value.replace(/[\n\r\t]/g, "")), message)
    .openapi({ pattern: "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f]*$" })
}

function isPrintable(value: string): boolean {
  return value.isWellFormed() && !/\p{Cc}/u.test(value)
}
