/**
 * The scopes of operator keys. `metrics`: figures of the process. `read`: lists, states and costs. `content`: what
 * people, models and tools said. `approve`: open waits with their arguments, answers and grants. `operate`: changes and
 * the configuration.
 */
export const operatorScopes = ["metrics", "read", "content", "approve", "operate"] as const

export type OperatorScope = (typeof operatorScopes)[number]
