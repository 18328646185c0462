import { createHash } from "node:crypto"
import { GatewayError } from "../../core/errors.ts"
import type { Tool, ToolContext } from "../../core/ports/tools/tool.ts"
import { createFailure, defineTool } from "../../core/tools/define-tool.ts"
import { parseDuration } from "./duration.ts"
import type { Asking, OwnSchedules } from "./own-schedules.ts"
import { toWireSchedule } from "./wire.ts"

const describeText = (description: string) => ({ type: "string", description }) as const

/** Creates the tools with which an agent sends messages to itself later. They arrive in the session that asked. */
export function createScheduleTools(
  agent: string,
  { own, now }: { readonly own: OwnSchedules; readonly now: () => Promise<number> },
): readonly Tool[] {
  const toAsking = ({ session: { id, tenant, userId } }: ToolContext): Asking => ({
    id,
    agent,
    tenant,
    userId,
  })
  return [
    defineScheduleTool({
      name: "schedule_message",
      description:
        "Sends you a message later, in this conversation: a reminder, or work to do again and again. State exactly " +
        "one of `in`, `at`, `every` and `cron`. Write the message so that you know what to do when you read it.",
      properties: {
        name: describeText(
          "Short name, unique among your scheduled messages: letters, digits, dots, dashes, underscores.",
        ),
        message: describeText("The text that you will receive."),
        in: describeText("Once, after this time: 20m, 3h, 2d."),
        at: describeText("Once, at this time in ISO 8601 with its offset: 2026-12-24T18:00:00+01:00."),
        every: describeText("Again and again, each time after this long: 30m, 6h, 1d."),
        cron: describeText("Again and again, by a cron expression of five fields: 0 9 * * 1-5."),
        timezone: describeText("IANA time zone of the cron expression. Default UTC."),
      },
      required: ["name", "message"],
      idempotent: true,
      async execute(input, context) {
        const { name, in: delay, ...terms } = input
        // If the same call is executed again after a crash, it has the same schedule.
        const id = `sched_${createHash("sha256").update(context.idempotencyKey).digest("hex").slice(0, 32)}`
        const at = delay === undefined ? {} : { at: await computeTime(String(delay), now) }
        const made = await own.find(toAsking(context), id).catch(ignoreUnknown)
        const request = {
          id,
          name,
          origin: "agent",
          terms: { ...terms, ...at, session: "continue" },
        } as const
        const schedule =
          made ?? (await own.create(toAsking(context), { ...request, terms: addQueue(request.terms) }))
        return { type: "json", value: toWireSchedule(schedule) }
      },
    }),
    defineScheduleTool({
      name: "list_scheduled_messages",
      description: "Lists your scheduled messages of this user, with the time at which each comes next.",
      properties: {},
      required: [],
      readOnly: true,
      async execute(_, context) {
        const schedules = await own.list(toAsking(context))
        const active = schedules.filter(({ state }) => state !== "ended")
        return {
          type: "json",
          value: { now: new Date(await now()).toISOString(), messages: active.map(toWireSchedule) },
        }
      },
    }),
    defineScheduleTool({
      name: "cancel_scheduled_message",
      description: "Removes one of your scheduled messages, so that it does not come any more.",
      properties: { name: describeText("Name of the scheduled message.") },
      required: ["name"],
      idempotent: true,
      async execute({ name }, context) {
        const schedules = await own.list(toAsking(context))
        const schedule = schedules.find((each) => each.name === name && each.origin === "agent")
        if (schedule === undefined) {
          const message =
            "There is no scheduled message with this name. Call list_scheduled_messages to see them."
          return { type: "error", code: "schedule_not_found", message }
        }
        await own.remove(toAsking(context), schedule.id)
        return { type: "json", value: { removed: String(name) } }
      },
    }),
  ]
}

/** Adds `queue`, because the user may be talking to the agent at that time. */
function addQueue(terms: object): object {
  return { ...terms, overlap: "queue" }
}

async function computeTime(delay: string, now: () => Promise<number>): Promise<string> {
  const delayMs = parseDuration(delay)
  if (delayMs === null || delayMs === 0) {
    const message = "The schedule cannot be used: in: expected a time such as 20m, 3h or 2d."
    throw new GatewayError({ code: "invalid_schedule", status: 422 }, message)
  }
  return new Date(Math.min((await now()) + delayMs, latestDate)).toISOString()
}

/** The last moment with a year of four digits. */
const latestDate = Date.UTC(9999, 11, 31)

function ignoreUnknown(error: unknown): null {
  if (error instanceof GatewayError && error.code === "schedule_not_found") return null
  throw error
}

function defineScheduleTool({ execute, ...definition }: Parameters<typeof defineTool>[0]): Tool {
  return defineTool({
    ...definition,
    async execute(input, context) {
      try {
        return await execute(input, context)
      } catch (error) {
        if (!(error instanceof GatewayError) || error.retryable) throw error
        return createFailure(error.code, error.message)
      }
    },
  })
}
