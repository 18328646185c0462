import type { z } from "zod"
import { ConfigurationError } from "../core/errors.ts"
import { attemptOperations } from "./attempts.ts"
import { memoryOperations } from "./memory.ts"
import { type AnyOperation, type OperationCaller, runOperation } from "./operation.ts"
import { outboxOperations } from "./outbox.ts"
import type { OperationParts } from "./parts.ts"
import { sandboxOperations } from "./sandbox.ts"
import { scheduleOperations } from "./schedules.ts"
import { operatorScopes } from "./scopes.ts"
import { sessionOperations } from "./sessions.ts"
import { statusOperations } from "./status.ts"
import { toolOperations } from "./tools.ts"
import { waitOperations } from "./waits.ts"

/** All operations by their names. */
export const operations = {
  ...statusOperations,
  ...sessionOperations,
  ...attemptOperations,
  ...waitOperations,
  ...scheduleOperations,
  ...memoryOperations,
  ...outboxOperations,
  ...sandboxOperations,
  ...toolOperations,
}

export type OperationName = keyof typeof operations

/** The input of an operation. Members with a default may be left out. */
export type OperationInput<Name extends OperationName> = z.input<(typeof operations)[Name]["input"]>

/** The result of an operation. */
export type OperationOutput<Name extends OperationName> = z.output<(typeof operations)[Name]["output"]>

/** Runs the operation of a name. */
export type Operate = <Name extends OperationName>(
  name: Name,
  input: OperationInput<Name>,
) => Promise<OperationOutput<Name>>

/** The application's own code and the command line, which may do and see everything. */
export const everyone: Omit<OperationCaller, "signal"> = {
  name: null,
  scopes: operatorScopes,
  tenant: null,
  decidedBy: { via: "code", tenant: null, userId: null, address: null },
}

/** Runs the operation of this name. */
export async function callByName<Name extends OperationName>(
  name: Name,
  parts: OperationParts,
  input: OperationInput<Name>,
  caller: OperationCaller,
): Promise<OperationOutput<Name>> {
  const operation: AnyOperation | undefined = Object.hasOwn(operations, name) ? operations[name] : undefined
  if (operation === undefined) {
    throw new ConfigurationError(`There is no operation ${name}. See docs/operators.md.`)
  }
  // The schema of this operation made the result.
  return (await runOperation(operation, parts, input, caller)) as OperationOutput<Name>
}
