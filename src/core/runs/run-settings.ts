import type { ToolSpecification } from "../ports/model/provider.ts"
import type { RunRole } from "./run-role.ts"

/** Settings of the run that a message starts. They are stored with the run, so that any process can continue it. */
export interface RunSettings {
  /** If true, the arguments of calls are streamed while the model writes them. Default false. */
  readonly toolInputDeltas?: boolean
  /** W3C Trace Context of the request that caused the run. Default: none. */
  readonly traceparent?: string
  /** Tools that the client declares and executes. Default: none. */
  readonly clientTools?: readonly ToolSpecification[]
  /** The role of a sub-agent's run. Default: none, because the run is the agent's own. */
  readonly role?: RunRole
}

/** Returns only these parts of a message or a run. */
export function runSettingsOf({ toolInputDeltas, traceparent, clientTools, role }: RunSettings): RunSettings {
  return {
    ...(toolInputDeltas === true && { toolInputDeltas }),
    ...(traceparent !== undefined && { traceparent }),
    ...(clientTools !== undefined && { clientTools }),
    ...(role !== undefined && { role }),
  }
}
