import type { OperationInput, OperationName, OperationOutput } from "../../../operations/operations.ts"

type Input = OperationInput<OperationName>
type Result = OperationOutput<OperationName>

/**
 * Calls an operation. If its result is a page that is not full although more items follow, reads on, because a person
 * needs items and not a position.
 */
export async function readFullPage(call: (input: Input) => Promise<Result>, input: Input): Promise<Result> {
  const first = await call(input)
  if (!isPage(first) || !("limit" in input)) return first
  const limit = Number(input.limit)
  const items = [...first.items]
  let next = first.next
  while (next !== null && items.length < limit) {
    const page = await call({ ...input, after: next, limit: limit - items.length } as Input)
    if (!isPage(page)) break
    items.push(...page.items)
    next = page.next
  }
  // The items and the position of pages of one operation.
  return { items, next } as Result
}

interface Page {
  readonly items: readonly unknown[]
  readonly next: string | null
}

export function isPage(result: object): result is Page {
  return "items" in result && "next" in result
}
