import type { z } from "zod"
import { GatewayError } from "../core/errors.ts"
import type { Decider } from "../core/log/entries.ts"
import type { OperationParts } from "./parts.ts"
import type { OperatorScope } from "./scopes.ts"

/** The operator, or the code of the application, that calls an operation. */
export interface OperationCaller {
  /** Name of the operator. Null for the application's code and for the command line. */
  readonly name: string | null
  readonly scopes: readonly OperatorScope[]
  /** The only tenant that the caller may see. Null for all tenants. */
  readonly tenant: string | null
  /** The caller in the audit trail. */
  readonly decidedBy: Decider
  readonly signal: AbortSignal
}

/**
 * A request of an operator or of a program. HTTP routes, the OpenAPI document, `gateway.operate`, the command line and
 * the types of the console's page come from it.
 */
export interface Operation<Input extends z.ZodType, Output extends z.ZodType> {
  readonly summary: string
  /** Method and path below `/operate`. The names in braces are members of the input. */
  readonly route: `${"GET" | "POST"} /${string}`
  /** The scope that the caller needs. `any`: every operator may call it. */
  readonly access: OperatorScope | "any"
  /**
   * Applies the caller's tenant. `filter`: the store leaves out what belongs to other tenants. `byId`: what belongs to
   * another tenant does not exist. `global`: callers with a tenant are refused.
   */
  readonly tenant: "filter" | "byId" | "global"
  /** Status and code of the problems of its own. Default none. */
  readonly problems?: readonly `${number} ${string}`[]
  /** An object. Its members may be texts, because queries have nothing else. */
  readonly input: Input
  /** Members that it does not name are left out of the result. */
  readonly output: Output
  run(parts: OperationParts, input: z.output<Input>, caller: OperationCaller): Promise<z.input<Output>>
}

/** Returns the operation. It only infers the types of the input and the output. */
export function defineOperation<Input extends z.ZodType, Output extends z.ZodType>(
  operation: Operation<Input, Output>,
): Operation<Input, Output> {
  return operation
}

/** An operation of any input and output. */
export type AnyOperation = Operation<z.ZodType, z.ZodType>

/** An input that does not match the schema of its operation. */
export class InvalidInputError extends GatewayError {
  readonly error: z.ZodError

  constructor(error: z.ZodError) {
    const [issue] = error.issues
    const place = issue?.path.join(".") ?? ""
    super(
      { code: "invalid_body", status: 422 },
      `The input is not valid. ${place === "" ? "" : `${place}: `}${issue?.message}`,
    )
    this.error = error
  }
}

/** Checks the caller and the input, and runs the operation. */
export async function runOperation<Input extends z.ZodType, Output extends z.ZodType>(
  { access, tenant, input: schema, output, run }: Operation<Input, Output>,
  parts: OperationParts,
  input: unknown,
  caller: OperationCaller,
): Promise<z.output<Output>> {
  if (access !== "any") requireScope(access, caller.scopes)
  if (tenant === "global" && caller.tenant !== null) throw createTenantRestricted()
  const { data, error } = schema.safeParse(input)
  if (error !== undefined) throw new InvalidInputError(error)
  return output.parse(await run(parts, data, caller))
}

export function requireScope(scope: OperatorScope, scopes: readonly OperatorScope[]): void {
  if (scopes.includes(scope)) return
  throw new GatewayError(
    { code: "scope_missing", status: 403 },
    `This operation needs the scope ${scope}, which your operator key does not have.`,
  )
}

export function createTenantRestricted(): GatewayError {
  return new GatewayError(
    { code: "tenant_restricted", status: 403 },
    "Your operator key is for one tenant. This operation concerns others too.",
  )
}
