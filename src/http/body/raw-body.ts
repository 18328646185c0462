import type { Context, MiddlewareHandler } from "hono"
import type { Principal } from "../../core/ports/store/session-log.ts"
import type { HttpEnv } from "../http-env.ts"
import type { BodyBudget } from "./body-budget.ts"
import {
  complete,
  createTooLarge,
  parseContentLength,
  readPieces,
  takeUpTo,
  uncountedBytes,
} from "./bounded-body.ts"
import { collectBytes } from "./collect-bytes.ts"

export interface RawBodyOptions {
  readonly maxBytes: number
  readonly budget: BodyBudget
  /** Returns the client whose bodies share one allowance in the budget. */
  readonly owner: (c: Context<HttpEnv>) => Principal
}

/** Reads a body of any type within its limit, and passes its bytes on as they were sent. */
export function readRawBody({ maxBytes, budget, owner }: RawBodyOptions): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const length = parseContentLength(c)
    if (length !== null && length > maxBytes) throw createTooLarge(maxBytes)
    const share = budget.open(owner(c))
    try {
      if (length !== null && length > uncountedBytes) takeUpTo(length, share)
      const bytes = await complete(
        collectBytes(readPieces(c), length, (_piece, size) => {
          if (size > maxBytes) throw createTooLarge(maxBytes)
          if (size > uncountedBytes) takeUpTo(size, share)
        }),
      )
      c.set("bodyBytes", bytes)
      await next()
    } finally {
      share.release()
    }
  }
}
