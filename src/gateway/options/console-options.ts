export interface ConsoleOptions {
  /** Key with which operators sign in, at least 16 characters. Default: `AGENT_GATEWAY_OPERATOR_KEY`. */
  readonly operatorKey?: string
}
