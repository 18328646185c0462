import type { JsonObject } from "../../core/json/json.ts"

/** The routes of schedules as OpenAPI 3.1 operations. */

const text = { type: "string" } as const
const nullableText = { type: ["string", "null"] } as const
const time = { type: "string", format: "date-time" } as const
const nullableTime = { type: ["string", "null"], format: "date-time" } as const
const count = { type: "integer", minimum: 0 } as const

/** Members that requests and schedules have in common. */
const terms = {
  name: { type: "string", pattern: "^[\\w.-]{1,64}$", description: "Name, unique for the user." },
  cron: { ...text, description: "Cron expression of five fields, or six with seconds first." },
  every: { ...text, description: "Time between two occurrences, such as `30s`, `15m`, `6h` or `7d`." },
  at: { ...time, description: "Time of the only occurrence." },
  timezone: { ...text, description: "IANA time zone of `cron`." },
  message: {
    type: "string",
    minLength: 1,
    maxLength: 16_384,
    description: "Text that each occurrence sends to the agent.",
  },
  session: {
    enum: ["fresh", "continue"],
    description: "`fresh`: a new session for each occurrence. `continue`: one session for all.",
  },
  overlap: {
    enum: ["skip", "queue"],
    description: "Handling of an occurrence while the previous run is open.",
  },
  catch_up: {
    enum: ["one", "all", "none"],
    description: "Occurrences that are fired after a time without a server.",
  },
  max_turns: { type: "integer", minimum: 1, description: "Maximum number of turns of each run." },
  max_budget_usd: {
    type: "number",
    exclusiveMinimum: 0,
    description: "US dollars that each run may cost.",
  },
} as const

const newSchedule = {
  type: "object",
  description: "Exactly one of `cron`, `every` and `at` is required.",
  required: ["name", "message"],
  properties: terms,
} as const

const scheduleRequired = [
  ...["id", "name", "made_by", "state", "reason", "message", "session", "session_id", "overlap", "catch_up"],
  ...["next_at", "waiting", "last_run_id", "running"],
]

const scheduleProperties = {
  id: text,
  ...terms,
  made_by: { enum: ["user", "agent"], description: "`agent`: a tool of the agent made it." },
  state: { enum: ["active", "paused", "ended"] },
  reason: { ...nullableText, description: "Reason why the gateway paused it; null otherwise." },
  session_id: { ...nullableText, description: "Session that `continue` sends to." },
  next_at: { ...nullableTime, description: "Null if the schedule is paused or has ended." },
  waiting: { ...count, description: "Number of occurrences that wait for an earlier run." },
  last_run_id: { ...nullableText, description: "Its newest run; null before the first one." },
  running: { type: "boolean", description: "If true, the last run is open." },
} as const

const schedule = { type: "object", required: scheduleRequired, properties: scheduleProperties } as const

const occurrence = {
  type: "object",
  required: ["at", "decided_at", "cause", "outcome", "reason", "session_id", "run_id"],
  properties: {
    at: { ...time, description: "Time that the schedule names." },
    decided_at: { ...time, description: "Time at which the gateway fired or skipped it." },
    cause: { enum: ["time", "manual"], description: "`manual`: a person fired it." },
    outcome: { enum: ["started", "skipped", "missed"] },
    reason: { ...nullableText, description: "Reason why no run was started; null if one was." },
    session_id: nullableText,
    run_id: nullableText,
  },
} as const

const withHistory = {
  type: "object",
  required: [...scheduleRequired, "history"],
  properties: {
    ...scheduleProperties,
    history: { type: "array", items: occurrence, description: "The last hundred, the newest first." },
  },
} as const

const id = { name: "id", in: "path", required: true, schema: text } as const

function describeJson(description: string, schema: JsonObject): JsonObject {
  return { description, content: { "application/json": { schema } } }
}

interface Rest extends JsonObject {
  readonly responses: JsonObject
}

function describeOperation(operationId: string, summary: string, { responses, ...rest }: Rest): JsonObject {
  const all = { ...responses, ...unknownUsers }
  return { operationId, summary, tags: ["schedules"], ...rest, responses: all }
}

const unknownUsers = {
  403: describeProblem("`users_unknown`: The gateway accepts any API key, so users are not known."),
} as const

const notFound = {
  404: describeProblem("`schedule_not_found`: There is no such schedule of this user."),
} as const
const unusable = {
  422: describeProblem(
    "`invalid_schedule`: The stored schedule cannot be used. Change its terms, or remove it.",
  ),
} as const
const busy = {
  503: describeProblem("`schedule_busy`: Other processes keep changing the schedule. Retry later."),
} as const

function describeProblem(description: string): JsonObject {
  const schema = { $ref: "#/components/schemas/Problem" }
  return { description, content: { "application/problem+json": { schema } } }
}

export const listOperation = describeOperation("listSchedules", "The user's schedules", {
  responses: {
    200: describeJson("All schedules that the token's user and the agent made.", {
      type: "object",
      required: ["schedules"],
      properties: { schedules: { type: "array", items: schedule } },
    }),
  },
})

export const createOperation = describeOperation("createSchedule", "Create a schedule", {
  requestBody: { required: true, content: { "application/json": { schema: newSchedule } } },
  responses: {
    201: describeJson("The schedule was created.", schedule),
    409: describeProblem("`schedule_exists`: The user already has a schedule of this name."),
    422: describeProblem("`invalid_schedule`: The name or another field is not valid. `detail` says why."),
    429: describeProblem(
      "`too_many_schedules`: The user, or all users together, have the maximum number of schedules.",
    ),
  },
})

export const showOperation = describeOperation("getSchedule", "A schedule and its history", {
  parameters: [id],
  responses: { 200: describeJson("The schedule.", withHistory), ...notFound },
})

export const pauseOperation = describeOperation("pauseSchedule", "Pause a schedule", {
  parameters: [id],
  responses: { 200: describeJson("It does not fire until it is resumed.", schedule), ...notFound, ...busy },
})

export const resumeOperation = describeOperation("resumeSchedule", "Resume a paused schedule", {
  parameters: [id],
  responses: {
    200: describeJson("It continues with its first occurrence from now on.", schedule),
    ...notFound,
    ...unusable,
    ...busy,
  },
})

export const runOperation = describeOperation("runSchedule", "Fire a schedule now", {
  description: "A paused schedule can be fired too.",
  parameters: [id],
  responses: {
    202: describeJson("The occurrence.", occurrence),
    409: describeProblem("`schedule_running`: A run of the schedule is open, so it cannot be run now."),
    ...notFound,
    ...unusable,
    ...busy,
  },
})

export const removeOperation = describeOperation("removeSchedule", "Remove a schedule and its history", {
  parameters: [id],
  responses: { 204: { description: "The schedule is removed." }, ...notFound },
})
