import type { OpenAPIHono } from "@hono/zod-openapi"
import type { Context, MiddlewareHandler } from "hono"
import { isJsonObject, type Json, type JsonObject } from "../../core/json/json.ts"
import { type AnyOperation, InvalidInputError, runOperation } from "../../operations/operation.ts"
import { operations } from "../../operations/operations.ts"
import type { OperationParts } from "../../operations/parts.ts"
import { consoleTenant } from "../../operations/tenants.ts"
import type { HttpEnv } from "../http-env.ts"
import { createInvalidBody } from "../problem.ts"
import type { ClientAddress } from "../request/client-address.ts"
import { toFieldErrors } from "../request/field-errors.ts"
import { respondJson } from "../respond.ts"

export interface OperationRoutesOptions {
  /** Path before the operations' own. */
  readonly prefix: string
  /** Admits operators, and sets the variable `operator`. */
  readonly admit: readonly MiddlewareHandler<HttpEnv>[]
  /** Reads the JSON body of an admitted request. */
  readonly readBody: MiddlewareHandler<HttpEnv>
  readonly parts: OperationParts
  readonly clientAddress: ClientAddress
}

/** Adds one route for each operation. */
export function addOperationRoutes(app: OpenAPIHono<HttpEnv>, options: OperationRoutesOptions): void {
  const { prefix, admit, readBody, parts, clientAddress } = options
  for (const operation of Object.values<AnyOperation>(operations)) {
    const [method = "", template = ""] = operation.route.split(" ")
    const path = prefix + template.replaceAll(/\{(\w+)\}/g, ":$1")
    for (const middleware of [...admit, ...(method === "GET" ? [] : [readBody])])
      app.on(method, path, middleware)
    app.on(method, path, async (c) => {
      const given = method === "GET" ? readQuery(c) : await readObject(c)
      const operator = c.get("operator")
      const address = clientAddress(c)
      const decidedBy = {
        via: "http",
        tenant: consoleTenant,
        userId: operator.name,
        address,
        credential: "operator",
        operator: operator.name,
      } as const
      const caller = { ...operator, decidedBy, signal: c.req.raw.signal }
      try {
        const result = await runOperation(operation, parts, { ...given, ...c.req.param() }, caller)
        return respondJson(c, Object(result), 200)
      } catch (error) {
        throw error instanceof InvalidInputError ? createInvalidBody(toFieldErrors(error.error)) : error
      }
    })
  }
}

function readQuery(c: Context<HttpEnv>): JsonObject {
  const parameters = Object.entries(c.req.queries())
  const twice = parameters.find(([, values]) => values.length > 1)
  if (twice !== undefined) throw createInvalidBody([{ path: twice[0], message: "given more than once" }])
  return Object.fromEntries(parameters.map(([name, [value = ""]]) => [name, value]))
}

async function readObject(c: Context<HttpEnv>): Promise<JsonObject> {
  const body = (await c.req.json()) as Json
  if (!isJsonObject(body)) throw createInvalidBody([{ path: "", message: "expected an object" }])
  return body
}
