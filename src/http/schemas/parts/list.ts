import { z } from "@hono/zod-openapi"

/** Maximum number of reported issues. It keeps the work for a wrong list small. */
const maxIssues = 20

/**
 * An array that stops after the first few invalid elements. Zod's own arrays collect the issues of all elements, at
 * three microseconds each.
 */
const List = z.core.$constructor<z.ZodArray>("List", (list, definition) => {
  z.ZodArray.init(list, definition)
  list._zod.parse = (payload, context) => {
    const { value, issues } = payload
    if (!Array.isArray(value)) {
      issues.push({ expected: "array", code: "invalid_type", input: value, inst: list })
      return payload
    }
    const elements: unknown[] = []
    const synchronous = { ...context, async: false }
    for (let index = 0; index < value.length && issues.length < maxIssues; index++) {
      const element = definition.element._zod.run({ value: value[index], issues: [] }, synchronous)
      if (element instanceof Promise) throw new z.core.$ZodAsyncError()
      issues.push(...z.core.util.prefixIssues(index, element.issues))
      elements.push(element.value)
    }
    payload.value = elements
    return payload
  }
})

/** Describes an array of elements that are validated without promises. */
export function listOf<Element extends z.ZodType>(
  element: Element,
  minLength: 0 | 1 = 0,
): z.ZodArray<Element> {
  const list = new List({ type: "array", element }) as z.ZodArray<Element>
  return minLength === 0 ? list : list.min(minLength)
}
