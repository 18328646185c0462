import { z } from "zod"
import type { ApprovalPolicy, Interceptor } from "../../core/ports/tools/interceptor.ts"
import type { Approver } from "../../core/wait.ts"
import { declareOptions } from "../../platform/options/declare-options.ts"
import { createFunctionSchema, waitSeconds } from "../../platform/options/schemas.ts"

/** Options that decide which tool calls run. */
export interface ApprovalOptions {
  /** Decides which calls a person must allow, for tools without their own decision. Default: no call. */
  readonly needsApproval?: ApprovalPolicy
  /** Receive every call before a person is asked about it, in this order. Default: none. */
  readonly interceptors?: readonly Interceptor[]
}

/** Options of the waits of a run, including a run of another framework's loop. */
export interface WaitOptions {
  /**
   * Seconds to wait for an answer. When the wait expires, an approval is denied, a question is answered with `cancel`,
   * and a client tool's call fails with `client_timeout`. Default 86 400: a day.
   */
  readonly approvalTimeoutSeconds?: number
  /**
   * The people who may decide approvals. `client`: everyone with access to the session, and operators. `operator`: only
   * operators with the scope `approve`, and code; clients receive no nonce. Default `client`.
   */
  readonly approvalsBy?: Approver
}

export const approvalOptions = declareOptions<ApprovalOptions>()({
  needsApproval: createFunctionSchema<ApprovalPolicy>().default(() => () => false),
  interceptors: z.array(createFunctionSchema<Interceptor>()).default([]),
})

export const waitOptions = declareOptions<WaitOptions>()({
  approvalTimeoutSeconds: waitSeconds.default(86_400),
  approvalsBy: z.enum(["client", "operator"]).default("client"),
})
