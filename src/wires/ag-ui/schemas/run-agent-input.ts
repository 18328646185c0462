import { z } from "@hono/zod-openapi"
import { segmentBounds } from "../../../core/wait.ts"

/** Clients of AG-UI before 1.0 send null for what they leave out. */
const text = z.string().nullish()

const source = z.object({ type: z.enum(["data", "url"]), value: z.string(), mimeType: text })

const part = z.object({
  type: z.string().openapi({
    description:
      "`text`, `image`, or `binary` of clients before 1.0. Other parts of a user's message are refused.",
  }),
  text,
  source: source.nullish(),
  mimeType: text,
  url: text,
  data: text,
})

const content = z.union([z.string(), z.array(part)])

const message = z.object({
  role: z.string(),
  content: content.nullish().catch(null),
  toolCallId: text,
  error: text,
})

const resumeEntry = z.object({
  interruptId: z.string(),
  status: z.enum(["resolved", "cancelled"]),
  payload: z.unknown().optional(),
})

const tool = z.object({
  name: z.string(),
  description: text,
  parameters: z.record(z.string(), z.unknown()).nullish(),
})

/** A `RunAgentInput` of AG-UI. Members that the gateway ignores are left out. */
export const runAgentInputSchema = z
  .object({
    threadId: z.string().openapi({ description: "External id of the session." }),
    runId: z.string().min(1).max(segmentBounds.id).openapi({
      description:
        "Id of the run, which the client chooses. A repeated request with the same id starts no other run.",
    }),
    protocolVersion: text,
    messages: z.array(message),
    tools: z.array(tool).nullish(),
    context: z.array(z.object({ description: z.string(), value: z.string() })).nullish(),
    forwardedProps: z.unknown().optional(),
    resume: z.array(resumeEntry).nullish(),
  })
  .openapi("RunAgentInput")

export type RunAgentInput = z.output<typeof runAgentInputSchema>
export type InputPart = z.output<typeof part>
export type ResumeEntry = z.output<typeof resumeEntry>
