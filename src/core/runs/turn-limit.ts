/** The limit of a run's turns, as an option of each part that starts runs. The smallest limit of a run applies. */
export interface TurnLimit {
  /** Maximum number of turns of one run: model calls with their tool calls. Default: no limit. */
  readonly maxTurns?: number
}
