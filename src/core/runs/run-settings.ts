import type { ToolSpecification } from "../ports/model/provider.ts"
import type { DirectCall } from "./direct-call.ts"
import type { RunRole } from "./run-role.ts"

/** Settings of the run that a message starts. They are stored with the run, so that any process can continue it. */
export interface RunSettings {
  /** If true, the arguments of calls are streamed while the model writes them. Default false. */
  readonly toolInputDeltas?: boolean
  /** W3C Trace Context of the request that caused the run. Default: none. */
  readonly traceparent?: string
  /** Tools that the client declares and executes. Default: none. */
  readonly clientTools?: readonly ToolSpecification[]
  /** If true, the holder of an API key declared the client's tools. Default false: the holder of a token did. */
  readonly byKeyHolder?: boolean
  /** Instructions of the client, which stand below the agent's own. Default: none. */
  readonly instructions?: string
  /**
   * If true, the run completes when it can only wait for tools of the client, with the reason `client_tools`. A client
   * without a session then sends the results in another conversation. Default false: the run waits for the results.
   */
  readonly handsOverCalls?: boolean
  /** The role of a sub-agent's run. Default: none, because the run is the agent's own. */
  readonly role?: RunRole
  /** The call of a tool that is the whole run. No model is asked. Default: none. */
  readonly call?: DirectCall
}

/** Returns only these parts of a message or a run. */
export function runSettingsOf(settings: RunSettings): RunSettings {
  const { toolInputDeltas, traceparent, clientTools, byKeyHolder, instructions, handsOverCalls, role, call } =
    settings
  return {
    ...(toolInputDeltas === true && { toolInputDeltas }),
    ...(traceparent !== undefined && { traceparent }),
    ...(clientTools !== undefined && { clientTools }),
    ...(byKeyHolder === true && { byKeyHolder }),
    ...(instructions !== undefined && { instructions }),
    ...(handsOverCalls === true && { handsOverCalls }),
    ...(role !== undefined && { role }),
    ...(call !== undefined && { call }),
  }
}
