import type { Plugin } from "../../core/ports/plugin.ts"
import type { Principal } from "../../core/ports/store/session-log.ts"
import { requireStorePart } from "../../core/require-store-part.ts"
import { declareSchedules } from "./declare.ts"
import {
  checkDefinitions,
  type ResolvedSchedules,
  resolveAllowed,
  type ScheduleDefinition,
} from "./options.ts"
import { createOwnSchedules } from "./own-schedules.ts"
import { createScheduleRoutes } from "./routes.ts"
import { runScheduleLoop } from "./schedule-loop.ts"
import { createScheduler } from "./scheduler.ts"
import { createScheduleTools } from "./tools.ts"

/** Bounds for the schedules of the options. They are few, and an operator owns them. */
const ownBounds = { perOwner: 1_000_000, perAgent: 1_000_000 }

/**
 * Creates the plugin that sends an agent messages at certain times. `ownerOf` returns the owner of a schedule of the
 * options. Throws a `ConfigurationError` if options are wrong.
 */
export function schedulesPlugin(
  { schedules: definitions = [], allowSchedules }: ResolvedSchedules,
  ownerOf: (definition: ScheduleDefinition) => Principal,
): Plugin {
  checkDefinitions(definitions)
  const allowed = resolveAllowed(allowSchedules)
  return {
    name: "schedules",
    setup({ agent, stores, ids, storeTime, knowsUsers, logger, signal }) {
      const user = definitions.length > 0 ? "schedules" : "allowSchedules"
      const schedules = requireStorePart(stores.schedules, "schedules", user)
      let loop: Promise<void> = Promise.resolve()
      const scheduler = createScheduler({ schedules, ids, now: storeTime })
      const own = createOwnSchedules({ schedules, scheduler, allowed, knowsUsers, now: storeTime })
      const tools = allowed.agent ? createScheduleTools(agent, { own, now: storeTime }) : []
      return {
        ...(allowed.users && { routes: createScheduleRoutes({ own, scheduler }) }),
        ...(allowed.agent && { openRun: ({ role }) => (role === null ? { tools: () => tools } : {}) }),
        async start() {
          await declareSchedules(definitions, { agent, schedules, scheduler, ownerOf, bounds: ownBounds })
          loop = runScheduleLoop({ agent, schedules, scheduler, logger, signal })
        },
        // The gateway's signal has already ended the loop.
        close: () => loop,
      }
    },
  }
}
