/** The next model call could exceed the budget. */
export interface BudgetExceeded {
  readonly type: "budgetExceeded"
  /** US dollars spent so far. */
  readonly totalCost: number
  readonly budget: number
}

export interface MaxTurnsReached {
  readonly type: "maxTurnsReached"
  readonly turnCount: number
  readonly maxTurns: number
  /** Text that the application returned for the end of the run. Absent if there was none, and in older logs. */
  readonly summary?: string
}
