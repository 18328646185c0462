import { z } from "zod"
import { ConfigurationError } from "../../core/errors.ts"
import { externalId } from "../../http/schemas/parts/external-id.ts"
import { describeIssues } from "../../platform/options/describe-issues.ts"
import { count, createObjectSchema } from "../../platform/options/schemas.ts"
import { turnLimit } from "../../platform/options/turn-limit.ts"

const object = createObjectSchema()

const grantScope = z.enum(["session", "tree"]).optional()

const approveOptions = z.strictObject({
  userId: z.string().optional(),
  editedInput: object.optional(),
  allowToolType: z.boolean().optional(),
  scope: grantScope,
})

const startOptions = z
  .strictObject({
    sessionId: z.string().optional(),
    externalId: externalId.optional(),
    userId: z.string().min(1).optional(),
    tenant: z.string().min(1).optional(),
    agent: z.string().optional(),
    context: object.optional(),
    whenBusy: z.enum(["reject", "queue", "interrupt", "steer"]).optional(),
    toolInputDeltas: z.boolean().optional(),
    traceparent: z.string().optional(),
    notBefore: z.int().nonnegative().optional(),
    supersede: z.string().min(1).optional(),
    jobId: z.string().min(1).max(255).optional(),
    notes: z.array(z.string()).optional(),
    limits: z
      .strictObject({
        ...turnLimit,
        maxBudgetUsd: z.number().nonnegative().optional(),
        maxCrashes: count.optional(),
        announceUntil: z.int().nonnegative().optional(),
      })
      .optional(),
    signal: object.optional(),
  })
  .refine(({ userId, tenant }) => tenant === undefined || userId !== undefined, {
    path: ["tenant"],
    message: "needs userId",
  })
  .refine(({ sessionId, externalId }) => sessionId === undefined || externalId === undefined, {
    path: ["externalId"],
    message: "cannot be combined with sessionId",
  })

const approvalAnswer = z.strictObject({
  approved: z.unknown(),
  editedInput: object.optional(),
  reason: z.string().optional(),
  allowToolType: z.boolean().optional(),
  scope: grantScope,
})

/**
 * Throws a `ConfigurationError` if options of `waits.approve` are wrong. A misspelled `editedInput` would approve the
 * model's own arguments.
 */
export function checkApproveOptions(options: unknown): void {
  check("approve", approveOptions, options)
}

/** Checks the options of `run` and `stream` in the same way. A misspelled `sessionId` would start a new session. */
export function checkStartOptions(caller: string, options: unknown): void {
  check(caller, startOptions, options)
}

/** Checks the option `backgroundWaitSeconds` of `run` in the same way. */
export function checkBackgroundWait(seconds: unknown): void {
  check("run: backgroundWaitSeconds", z.number().nonnegative().max(86_400), seconds)
}

/** Checks the result of `onApproval` in the same way. */
export function checkApprovalAnswer(answer: unknown): void {
  check("onApproval", approvalAnswer, answer)
}

function check(name: string, schema: z.ZodType, options: unknown): void {
  const { error } = schema.safeParse(options)
  if (error !== undefined) throw new ConfigurationError(`${name}: ${describeIssues(error, schema)}`)
}
