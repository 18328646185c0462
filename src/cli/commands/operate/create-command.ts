import { openStoreOperations, type StoreOperations } from "../../../gateway/operate/open-store-operations.ts"
import type { Operate } from "../../../operations/operations.ts"
import type { CliContext } from "../../cli-context.ts"
import { UsageError } from "../../cli-error.ts"
import { exitCodes } from "../../exit-codes.ts"
import type { CommandName } from "../../help.ts"
import { callGateway } from "./call-gateway.ts"
import { type ActionWords, listOperationActions, type OperationAction } from "./operation-actions.ts"
import { type AnyInput, parseAction } from "./parse-action.ts"
import { printResult } from "./print-result.ts"
import { readFullPage } from "./read-full-page.ts"

/** An action of a command. */
export interface Action extends ActionWords {
  run(input: AnyInput, context: ActionContext): Promise<void>
}

export interface ActionContext extends CliContext {
  /** If true, the result is printed as one line of JSON. */
  readonly json: boolean
  /** Opens the operations of the store or of the gateway for the work. `person` is the name for the audit trail. */
  use<Result>(work: (operate: Operate) => Promise<Result>, person?: string): Promise<Result>
}

/** Creates a command whose actions are the operations of its group, and further actions. */
export function createCommand(
  command: CommandName,
  further: readonly Action[] = [],
): (context: CliContext) => Promise<number> {
  return async (context) => {
    const actions = [...listOperationActions(command).map(toAction), ...further]
    const { action, input, json, ...place } = parseAction(command, actions, context.argv)
    await action.run(input, {
      ...context,
      json,
      async use(work, person) {
        const { operate, close } = await openOperations({ ...place, person: person ?? null }, context)
        try {
          return await work(operate)
        } finally {
          await close()
        }
      },
    })
    return exitCodes.success
  }
}

function toAction(words: OperationAction): Action {
  const { name } = words
  return {
    ...words,
    async run(input, { use, json, ...context }) {
      const result = await use((operate) => readFullPage((asked) => operate(name, asked), input))
      if (json) context.stdout.write(`${JSON.stringify(result)}\n`)
      else printResult(name, result, { ...context, input })
    },
  }
}

interface OperationsPlace {
  readonly url: string | undefined
  readonly store: string | undefined
  /** Name of the person in the audit trail of the store. Null if it is not known. */
  readonly person: string | null
}

/** Opens the operations of the running gateway at `url`, or else those of the store. */
async function openOperations(
  { url, store, person }: OperationsPlace,
  { env, signal }: CliContext,
): Promise<StoreOperations> {
  if (url === undefined)
    return openStoreOperations({
      store,
      person,
      secretsKey: env.AGENT_GATEWAY_SECRETS_KEY || undefined,
      signal,
    })
  if (store !== undefined) throw new UsageError("give --store or --url, not both")
  if (person !== null) throw new UsageError("with --url, the person is the operator whose key you use")
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) {
    throw new UsageError(`--url must start with http:// or https://, but it is ${url}`)
  }
  const operatorKey = env.AGENT_GATEWAY_OPERATOR_KEY ?? ""
  if (operatorKey === "")
    throw new UsageError("set AGENT_GATEWAY_OPERATOR_KEY to your operator key to use --url")
  return { operate: callGateway({ url, operatorKey, signal }), close: async () => {} }
}
