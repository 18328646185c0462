/** Levels of thinking from none to as much as the model can do, the same for all providers. */
export const thinkingLevels = ["none", "minimal", "low", "medium", "high", "max"] as const

export type ThinkingLevel = (typeof thinkingLevels)[number]
