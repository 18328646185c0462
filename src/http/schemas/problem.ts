import { z } from "@hono/zod-openapi"
import type { JsonObject } from "../../core/json/json.ts"
import { type Refusal, refusals } from "./refusals.ts"

const problemSchema = z
  .object({
    type: z.string().openapi({ format: "uri" }),
    title: z.string(),
    status: z.int(),
    detail: z.string().openapi({ description: "Safe to show to anyone." }),
    code: z.string().openapi({ description: "Stable code for programs." }),
    errors: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .optional()
      .openapi({ description: "With 422: each field that is not valid. An empty path is the body itself." }),
    run_id: z.string().optional().openapi({ description: "With `run_active`: the run that is open." }),
  })
  .openapi("Problem", {
    description: "RFC 9457.",
    example: {
      type: "urn:ai-agent-gateway:problem:run_active",
      title: "Run active",
      status: 409,
      detail: "A run of this session is still open.",
      code: "run_active",
      run_id: "run_4fzyo82mvyr7jtnc1q9x",
    },
  })

type Status<Kind extends Refusal> = Kind extends `${infer Code extends number} ${string}` ? Code : never

/** Any route may return these: before the route is found, and from the HTTP server itself. */
const always = ["403 origin_not_allowed", "421 host_not_allowed", "431 headers_too_large"] as const

/** Returns the error half of a route's responses, from the refusals of this route. */
export function describeProblems<Kind extends Refusal>(...kinds: readonly Kind[]) {
  const content = { "application/problem+json": { schema: problemSchema } }
  const responses = describe(kinds).map(
    ([status, description]) => [status, { description, content }] as const,
  )
  type Response = { readonly description: string; readonly content: typeof content }
  return Object.fromEntries(responses) as Record<Status<Kind | (typeof always)[number]>, Response>
}

/** Returns the same for routes that an OpenAPI operation describes. */
export function describeProblemResponses(...kinds: readonly Refusal[]): JsonObject {
  const content = { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } }
  const responses = describe(kinds).map(
    ([status, description]) => [status, { description, content }] as const,
  )
  return Object.fromEntries(responses)
}

/** Returns each status with its codes and their meanings. */
function describe(kinds: readonly Refusal[]): readonly (readonly [string, string])[] {
  const byStatus = Map.groupBy(new Set<Refusal>([...kinds, ...always]), (kind) => kind.slice(0, 3))
  return [...byStatus].map(([status, own]) => {
    return [status, own.map((kind) => `\`${kind.slice(4)}\`: ${refusals[kind]}`).join(" ")] as const
  })
}
