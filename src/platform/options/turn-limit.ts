import type { TurnLimit } from "../../core/runs/turn-limit.ts"
import { declareOptions } from "./declare-options.ts"
import { count } from "./schemas.ts"

export const turnLimit = declareOptions<TurnLimit>()({ maxTurns: count.optional() })
