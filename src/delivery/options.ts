import { z } from "zod"
import { ConfigurationError } from "../core/errors.ts"
import type { RunEnd } from "../core/run-end.ts"

/** The end of a run, as it is delivered. Its response has at most 100 000 characters. */
export interface Delivery extends Omit<RunEnd, "tenant" | "userId"> {
  /** The same each time the run is delivered to this channel: receivers tell repetitions by it. */
  readonly id: string
  readonly agent: string
}

export interface WebhookOptions {
  /** Address that receives a POST. Redirects are not followed. */
  readonly url: string
  /** Signs each request as Standard Webhooks do: `whsec_` and base64. Default: requests are not signed. */
  readonly secret?: string
  /** Further headers. Default: none. */
  readonly headers?: Readonly<Record<string, string>>
  /** If true, the host may have an address of a private network, or of this machine. Default false. */
  readonly allowPrivateAddresses?: boolean
}

export interface TelegramOptions {
  readonly botToken: string
  readonly chatId: string
  /** First line of each message. Default: none. */
  readonly label?: string
  /**
   * Treatment of a message whose sending was cut off, so that it may or may not have arrived. Default `keep`: it is a
   * dead row of the outbox.
   */
  readonly onUnknown?: "keep" | "resend"
  /** Default `https://api.telegram.org`. */
  readonly apiUrl?: string
}

export interface SlackOptions {
  /** An incoming webhook of Slack. */
  readonly webhookUrl: string
  /** First line of each message. Default: none. */
  readonly label?: string
  /** If true, the host may have a private address. Default false. */
  readonly allowPrivateAddresses?: boolean
}

/** The channels to which the ends of an agent's runs are delivered. Each channel is independent of the others. */
export interface DeliveryOptions {
  /** Called with each delivery. May take 15 seconds; a rejection is tried again. */
  readonly onComplete?: (
    delivery: Delivery,
    options: { readonly signal: AbortSignal },
  ) => void | Promise<void>
  readonly webhook?: WebhookOptions
  readonly telegram?: TelegramOptions
  readonly slack?: SlackOptions
  /** File that is replaced atomically with the text. Missing folders are made. */
  readonly briefingFile?: string
  /**
   * Returns the text for people: Telegram, Slack and the briefing file. Default: the response, or why there is none.
   */
  readonly formatMessage?: (delivery: Delivery) => string
  /** Tells which runs are delivered. Default: all but those of sub-agents. */
  readonly when?: (delivery: Delivery) => boolean
}

const text = z.string().min(1)
const httpUrl = z.url({ protocol: /^https?$/ })
const aFunction = z.custom<never>((value) => typeof value === "function", "expected a function")
const secret = z
  .string()
  .regex(/^whsec_[A-Za-z0-9+/]{32,}={0,2}$/, "expected whsec_ and at least 24 bytes in base64")

const webhook = {
  url: httpUrl,
  secret: secret.optional(),
  headers: z.record(text, z.string()).optional(),
  allowPrivateAddresses: z.boolean().optional(),
} satisfies Record<keyof WebhookOptions, z.ZodType>

const telegram = {
  botToken: text,
  chatId: text,
  label: text.optional(),
  onUnknown: z.enum(["keep", "resend"]).optional(),
  apiUrl: httpUrl.optional(),
} satisfies Record<keyof TelegramOptions, z.ZodType>

const slack = {
  webhookUrl: httpUrl,
  label: text.optional(),
  allowPrivateAddresses: z.boolean().optional(),
} satisfies Record<keyof SlackOptions, z.ZodType>

const shape = {
  onComplete: aFunction.optional(),
  webhook: z.strictObject(webhook).optional(),
  telegram: z.strictObject(telegram).optional(),
  slack: z.strictObject(slack).optional(),
  briefingFile: text.optional(),
  formatMessage: aFunction.optional(),
  when: aFunction.optional(),
} satisfies Record<keyof DeliveryOptions, z.ZodType>

/** Throws a `ConfigurationError` that names what is unknown or wrong, and no value: some are secrets. */
export function checkDeliveryOptions(options: DeliveryOptions): void {
  const { error } = z.strictObject(shape).safeParse(options)
  if (error === undefined) return
  const problems = error.issues.map((issue) => {
    if (issue.code === "unrecognized_keys") return `unknown option ${issue.keys.join(", ")}`
    return `${issue.path.map(String).join(".")}: ${issue.message}`
  })
  throw new ConfigurationError(`delivery: ${problems.join("; ")}`)
}
