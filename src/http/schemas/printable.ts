import { z } from "@hono/zod-openapi"

/** One line: it is logged, and stored as text. No control characters and no lone surrogates. */
export function printable(maxLength: number) {
  return z.string().min(1).max(maxLength).refine(isPrintable, "Invalid input: expected printable characters")
}

/** Several lines. */
export function printableText(maxLength: number) {
  return z
    .string()
    .max(maxLength)
    .refine(
      (value) => isPrintable(value.replace(/[\n\r\t]/g, "")),
      "Invalid input: expected printable characters",
    )
}

function isPrintable(value: string): boolean {
  return value.isWellFormed() && !/\p{Cc}/u.test(value)
}
