import { z } from "zod"
import type { Operate, OperationInput } from "../../../operations/operations.ts"
import { CliError, formatAsLine } from "../../cli-error.ts"
import type { Action, ActionContext } from "./create-command.ts"
import type { OpenWait } from "./describe-wait.ts"
import { describeWords } from "./operation-actions.ts"

const common = { toolCallId: z.string(), nonce: z.string().optional(), user: z.string().optional() }
const object = z.record(z.string(), z.unknown())

const approve = z.strictObject({
  ...common,
  editedInput: object.optional(),
  allowToolType: z.boolean().default(false),
  scope: z.enum(["session", "tree"]).optional(),
})
const deny = z.strictObject({ ...common, reason: z.string().optional() })
const answer = z.strictObject({ ...common, content: object.optional(), decline: z.boolean().default(false) })

type Answer = OperationInput<"approvals.answer">
type Target = Pick<OpenWait, "sessionId" | "toolCallId" | "nonce">

/** Actions that find the open wait of a call and answer it, so that people need no session and no nonce. */
export const approvalActions: readonly Action[] = [
  createAction("approve", approve, {
    kind: "approval",
    requireSeen,
    toAnswer: ({ editedInput, allowToolType, scope }, target) => ({
      ...target,
      kind: "approval",
      approved: true,
      remember: allowToolType,
      scope,
      input: editedInput,
    }),
    describe: () => "approved",
  }),
  createAction("deny", deny, {
    kind: "approval",
    toAnswer: ({ reason }, target) => ({ ...target, kind: "approval", approved: false, reason }),
    describe: () => "denied",
  }),
  createAction("answer", answer, {
    kind: "elicitation",
    toAnswer: ({ content, decline }, target) => ({
      ...target,
      kind: "elicitation",
      action: decline ? "decline" : "accept",
      content,
    }),
    describe: ({ decline }) => (decline ? "declined" : "answered"),
  }),
]

interface Answering<Input> {
  readonly kind: OpenWait["kind"]
  toAnswer(input: Input, target: Target): Answer
  /** Returns what was done, for people. */
  describe(input: Input): string
  requireSeen?(operate: Operate, wait: OpenWait): Promise<void>
}

interface Chosen {
  readonly toolCallId: string
  readonly nonce?: string | undefined
  readonly user?: string | undefined
}

function createAction<Input extends Chosen>(
  word: string,
  schema: z.ZodObject & z.ZodType<Input>,
  { kind, toAnswer, describe, requireSeen }: Answering<Input>,
): Action {
  return {
    ...describeWords(word, schema, ["toolCallId"]),
    async run(parsed, { use, json, stdout }: ActionContext) {
      const input: Input = schema.parse(parsed)
      const { toolCallId, nonce, user } = input
      const { toolName } = await use(async (operate) => {
        const wait = await find(operate, toolCallId, kind)
        if (nonce === undefined) await requireSeen?.(operate, wait)
        else if (nonce !== wait.nonce) {
          throw new CliError(
            `the request for ${toolCallId} has another nonce now (see agent-gateway approvals list)`,
          )
        }
        const { sessionId } = wait
        await operate("approvals.answer", toAnswer(input, { sessionId, toolCallId, nonce: wait.nonce }))
        return wait
      }, user)
      if (json) stdout.write('{"status":"ok"}\n')
      else stdout.write(`${describe(input)} ${formatAsLine(toolName)} (${toolCallId})\n`)
    },
  }
}

async function find(operate: Operate, toolCallId: string, kind: OpenWait["kind"]): Promise<OpenWait> {
  const { items } = await operate("approvals.list", {})
  const wait = items.find((open) => open.toolCallId === toolCallId && open.kind === kind)
  if (wait !== undefined) return wait
  throw new CliError(
    `no open ${kind} ${toolCallId}: it may be answered or expired (see agent-gateway approvals list)`,
  )
}

/**
 * Throws if the wait may differ from the one that the person has seen in the list: the tool behind a call can change
 * after it was allowed, and then another request has the call's id.
 */
async function requireSeen(operate: Operate, { sessionId, toolCallId }: OpenWait): Promise<void> {
  const { items } = await operate("approvals.audit", { sessionId })
  if (!items.some((record) => record.toolCallId === toolCallId && record.action === "approved")) return
  throw new CliError(
    `${toolCallId} was allowed before and needs a new approval, because its tool changed; ` +
      "check it with agent-gateway approvals list, then approve it with the --nonce that the list shows",
  )
}
