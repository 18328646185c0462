import { z } from "@hono/zod-openapi"
import { isJsonObject, type JsonObject } from "../../../core/json/json.ts"
import { segmentBounds } from "../../../core/wait.ts"
import { clientToolsSchema } from "../../../http/schemas/parts/client-tools.ts"
import { contextSchema } from "../../../http/schemas/parts/context.ts"
import { printableText } from "../../../http/schemas/parts/printable.ts"

/** Clients of AG-UI before 1.0 send null for what they leave out. */
const text = z.string().nullish()

const source = z.object({ type: z.enum(["data", "url"]), value: z.string(), mimeType: text })

/** `text`, `image`, or `binary` of clients before 1.0. Other parts of a user's message are refused. */
const part = z.object({
  type: z.string(),
  text,
  source: source.nullish(),
  mimeType: text,
  url: text,
  data: text,
})

const content = z.union([z.string(), z.array(part)])

/** Maximum characters of the id of a message. A longer id is not kept. */
const maxIdCharacters = 200

const message = z.object({
  id: z.string().min(1).max(maxIdCharacters).nullish().catch(null),
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

/** Maximum characters of the reason for a denial. */
const maxReasonCharacters = 4_096

/** The payload that answers an approval. */
export const decisionSchema = z.object({
  approved: z.boolean(),
  editedArgs: z.custom<JsonObject>(isJsonObject, "Invalid input: expected object").nullish(),
  reason: printableText(maxReasonCharacters).nullish(),
  remember: z.enum(["session", "tree"]).nullish(),
})

const tool = z
  .object({ name: z.string(), description: text, parameters: z.looseObject({}).nullish() })
  .transform(({ name, description, parameters }) => {
    // Providers require a description, and the schema of an object.
    return {
      name,
      description: description || name,
      input_schema: { ...parameters, type: "object" } as JsonObject,
    }
  })

/** A `RunAgentInput` of AG-UI. Members that the gateway ignores are left out. */
export const runAgentInputSchema = z.object({
  threadId: z.string(),
  runId: z.string().min(1).max(segmentBounds.id),
  protocolVersion: text,
  messages: z.array(message),
  tools: z
    .array(tool)
    .nullish()
    .transform((tools) => tools ?? [])
    .pipe(clientToolsSchema),
  context: z.array(z.object({ description: z.string(), value: z.string() })).nullish(),
  forwardedProps: contextSchema.nullish(),
  resume: z.array(resumeEntry).nullish(),
})

export type RunAgentInput = z.output<typeof runAgentInputSchema>
export type InputPart = z.output<typeof part>
export type ResumeEntry = z.output<typeof resumeEntry>
