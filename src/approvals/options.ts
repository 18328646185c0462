import { z } from "zod"
import type { ApprovalPolicy, Interceptor } from "../core/ports/tools/interceptor.ts"
import { declareOptions } from "../options/declare-options.ts"
import { callback } from "../options/schemas.ts"

/** Options that decide which tool calls run. */
export interface ApprovalOptions {
  /** Decides which calls a person must allow, for tools without their own decision. Default: no call. */
  readonly needsApproval?: ApprovalPolicy
  /** Receive every call before a person is asked about it, in this order. Default: none. */
  readonly interceptors?: readonly Interceptor[]
}

export const approvalOptions = declareOptions<ApprovalOptions>()({
  needsApproval: callback<ApprovalPolicy>().default(() => () => false),
  interceptors: z.array(callback<Interceptor>()).default([]),
})
