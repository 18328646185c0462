import { z } from "zod"
import { ConfigurationError } from "../../core/errors.ts"
import type { ScheduleTerms } from "../../core/schedule.ts"
import { declareOptions, type Resolved } from "../../platform/options/declare-options.ts"
import { resolveOptions } from "../../platform/options/resolve-options.ts"
import { parseSpec, scheduleNamePattern } from "./terms.ts"

/** A schedule of the agent that does not depend on its users. */
export interface ScheduleDefinition extends ScheduleTerms {
  /** Unique in the agent: 1 to 64 letters, digits, dots, dashes and underscores. */
  readonly name: string
  /** Owner of its sessions, to whom its runs belong. Default: the application itself. */
  readonly userId?: string
  /** Tenant of `userId`. Default `default`. */
  readonly tenant?: string
}

/** Permission to create schedules at run time, and its bounds. */
export interface AllowedSchedules {
  /** If true, users manage their own schedules with the routes `/schedules`. Default false. */
  readonly users?: boolean
  /** If true, the agent has tools to send messages to itself later. Default false. */
  readonly agent?: boolean
  /** Maximum number of schedules of one user that have not ended. Default 20. */
  readonly maxPerUser?: number
  /** Maximum number of schedules of all users together. Default 10 000. */
  readonly maxSchedules?: number
  /** Shortest time between two occurrences, in seconds. Default 60. */
  readonly minIntervalSeconds?: number
}

export interface SchedulesOptions {
  /** Messages that the gateway sends to the agent at certain times, while a server runs. Default: none. */
  readonly schedules?: readonly ScheduleDefinition[]
  /**
   * If true, users and the agent may create their own schedules: `true` is `{ users: true, agent: true }`. Default
   * false.
   */
  readonly allowSchedules?: boolean | AllowedSchedules
}

/** Maximum number of schedules in one agent's options. */
const maxDefinitions = 1_000

/** `checkDefinitions` checks the rest. */
const definition = z.looseObject({
  name: z
    .string()
    .regex(scheduleNamePattern, "expected 1 to 64 letters, digits, dots, dashes or underscores"),
  userId: z.string().min(1).optional(),
  tenant: z.string().min(1).optional(),
}) as unknown as z.ZodType<ScheduleDefinition, ScheduleDefinition>

const allowedSchedules = declareOptions<AllowedSchedules>()({
  users: z.boolean().default(false),
  agent: z.boolean().default(false),
  maxPerUser: z.int().positive().max(1_000).default(20),
  maxSchedules: z.int().positive().max(1_000_000).default(10_000),
  minIntervalSeconds: z.int().positive().default(60),
})

export const schedulesSchemas = declareOptions<SchedulesOptions>()({
  schedules: z.array(definition).max(maxDefinitions).optional(),
  allowSchedules: z.union([z.boolean(), z.strictObject(allowedSchedules)]).default(false),
})

export type ResolvedSchedules = Resolved<SchedulesOptions, typeof schedulesSchemas>
export type ResolvedAllowed = Resolved<AllowedSchedules, typeof allowedSchedules>

/** Returns the permissions of a choice. `true` is short for users and the agent. */
export function resolveAllowed(choice: boolean | AllowedSchedules): ResolvedAllowed {
  const allowed = typeof choice === "boolean" ? { users: choice, agent: choice } : choice
  return resolveOptions("allowSchedules", allowedSchedules, allowed)
}

/** Throws a `ConfigurationError` that names the schedule and its mistake. */
export function checkDefinitions(definitions: readonly ScheduleDefinition[]): void {
  const names = new Set<string>()
  for (const { name, userId, tenant, ...terms } of definitions) {
    if (names.has(name)) throw new ConfigurationError(`schedules: two schedules are named ${name}.`)
    names.add(name)
    if (tenant !== undefined && userId === undefined)
      throw new ConfigurationError(`schedules: ${name}: tenant needs userId.`)
    const parsed = parseSpec(terms)
    if ("problem" in parsed) throw new ConfigurationError(`schedules: ${name}: ${parsed.problem}.`)
  }
}
