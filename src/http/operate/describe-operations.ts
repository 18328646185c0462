import { type OpenAPIHono, z } from "@hono/zod-openapi"
import { ConfigurationError } from "../../core/errors.ts"
import type { AnyOperation } from "../../operations/operation.ts"
import { operations } from "../../operations/operations.ts"
import type { HttpEnv } from "../http-env.ts"
import { describeProblems } from "../schemas/problem.ts"
import { isRefusal, ofBody, ofStore, type Refusal } from "../schemas/refusals.ts"

/** Adds the operations below `/operate` to the OpenAPI document. */
export function describeOperations(app: OpenAPIHono<HttpEnv>): void {
  app.openAPIRegistry.registerComponent("securitySchemes", "operatorKey", {
    type: "http",
    scheme: "bearer",
    description: "One of `operatorKeys`. Each operation names the scope that the key needs.",
  })
  for (const [name, operation] of Object.entries<AnyOperation>(operations)) {
    const [method, path = ""] = operation.route.split(" ")
    const { summary, access, tenant, output } = operation
    const scope = access === "any" ? "Every operator key opens it." : `Needs the scope \`${access}\`.`
    app.openAPIRegistry.registerPath({
      method: method === "GET" ? "get" : "post",
      path: `/operate${path}`,
      operationId: name,
      summary,
      description: tenant === "global" ? `${scope} Not for keys of one tenant.` : scope,
      tags: ["operate"],
      // OpenAPI 3.1 lists the roles that a credential needs here.
      security: [{ operatorKey: access === "any" ? [] : [access] }],
      request: describeInput(operation),
      responses: {
        200: { description: "The result.", content: { "application/json": { schema: output } } },
        ...describeProblems(...findProblems(operation)),
      },
    })
  }
}

function describeInput({ route, input }: AnyOperation) {
  const [method, path = ""] = route.split(" ")
  // An input of several forms has no members in the path.
  if (!(input instanceof z.ZodObject)) {
    return { body: { content: { "application/json": { schema: input } } } }
  }
  const inPath = new Set([...path.matchAll(/\{(\w+)\}/g)].map(([, member]) => member ?? ""))
  const select = (isWanted: (member: string) => boolean) =>
    z.object(Object.fromEntries(Object.entries(input.shape).filter(([member]) => isWanted(member))))
  const params = select((member) => inPath.has(member))
  const rest = select((member) => !inPath.has(member))
  if (method === "GET") return { params, query: rest }
  if (Object.keys(rest.shape).length === 0) return { params }
  return { params, body: { content: { "application/json": { schema: rest } } } }
}

function findProblems({ route, access, tenant, problems = [] }: AnyOperation): readonly Refusal[] {
  const own = problems.map((kind) => {
    if (isRefusal(kind)) return kind
    throw new ConfigurationError(`The operation ${route} has the problem ${kind}, which is not described.`)
  })
  return [
    ...["401 invalid_credentials" as const, "422 invalid_body" as const, "429 rate_limited" as const],
    ...(access === "any" ? [] : ["403 scope_missing" as const]),
    ...(tenant === "global" ? ["403 tenant_restricted" as const] : []),
    ...(route.startsWith("POST") ? ofBody : []),
    ...ofStore,
    ...own,
  ]
}
