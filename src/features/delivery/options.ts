import { z } from "zod"
import { ConfigurationError } from "../../core/errors.ts"
import type { JsonObject } from "../../core/json/json.ts"
import type { RunEnd } from "../../core/runs/run-end.ts"
import { declareOptions } from "../../platform/options/declare-options.ts"
import { parseOptions } from "../../platform/options/resolve-options.ts"
import { createFunctionSchema } from "../../platform/options/schemas.ts"
import type { OnUnknown } from "./unknown-outcome.ts"

/** The end of a run as the outbox stores it. Its response has at most 100 000 characters. */
export interface StoredDelivery extends Omit<RunEnd, "tenant" | "userId"> {
  /** The same in every delivery of the run to this channel, so that receivers recognize repetitions. */
  readonly id: string
  readonly agent: string
}

/** The end of a run in its delivered form. */
export interface Delivery extends StoredDelivery {
  /**
   * State file of `runAutonomous` with `stateDir`, as it is when the delivery is made. It contains the update of the
   * run. Null if there is none.
   */
  readonly state: JsonObject | null
}

export interface WebhookOptions {
  /** Address that receives a POST. Redirects are not followed. */
  readonly url: string
  /**
   * Secret that signs each request as Standard Webhooks specifies: `whsec_` and base64. Default: requests are not
   * signed.
   */
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
   * Treatment of a message whose sending was interrupted, so that it may or may not have arrived. Default `keep`: it
   * remains as a dead row of the outbox.
   */
  readonly onUnknown?: OnUnknown
  /** Returns files to send after the text. Default: none. */
  readonly files?: (delivery: Delivery) => readonly TelegramFile[] | Promise<readonly TelegramFile[]>
  /** URL of the API. Default `https://api.telegram.org`. */
  readonly apiUrl?: string
}

export interface TelegramFile {
  readonly name: string
  /** Content of the file. Telegram allows at most 50 MB. */
  readonly content: string | Uint8Array
  /** Text beside the file. Its first 1024 characters are sent. Default: none. */
  readonly caption?: string
}

export interface EmailOptions {
  /**
   * The mail server: `smtps://USER:PASSWORD@HOST`, or `smtp://` for a connection that is encrypted if the server
   * supports it.
   */
  readonly url: string
  readonly from: string
  readonly to: string | readonly string[]
  /** Subject. Default: the name of the agent, and the outcome of a run that is not complete. */
  readonly subject?: string | ((delivery: Delivery) => string)
  /** Treatment of an e-mail whose sending was interrupted. Default `keep`: it remains as a dead row of the outbox. */
  readonly onUnknown?: OnUnknown
}

export interface SlackOptions {
  /** An incoming webhook of Slack. */
  readonly webhookUrl: string
  /** First line of each message. Default: none. */
  readonly label?: string
  /** Treatment of a message whose sending was interrupted. Default `keep`: it remains as a dead row of the outbox. */
  readonly onUnknown?: OnUnknown
  /** If true, the host may have a private address. Default false. */
  readonly allowPrivateAddresses?: boolean
}

/** The channels to which the ends of an agent's runs are delivered. Each channel is independent of the others. */
export interface DeliveryOptions {
  /** Called with each delivery. It may take 15 seconds. A rejection is retried. */
  readonly onComplete?: (
    delivery: Delivery,
    options: { readonly signal: AbortSignal },
  ) => void | Promise<void>
  readonly webhook?: WebhookOptions
  readonly telegram?: TelegramOptions
  readonly slack?: SlackOptions
  /** E-mail. Requires the package `nodemailer`. */
  readonly email?: EmailOptions
  /** File that is replaced atomically with the text. Missing folders are created. */
  readonly writeFile?: string
  /**
   * File that the agent's tools have written, sent to Telegram after the text. It is read when the message is sent. A
   * text of at most 100 000 characters is sent as messages, any other content as a document. A missing or blank file
   * is not sent. Requires `telegram`.
   */
  readonly sendFile?: string
  /**
   * Returns the text for people: Telegram, Slack, e-mail and `writeFile`, and the `summary` of a webhook. Default:
   * the response, or the reason why there is none. Before it, Telegram and the webhook have the status, the usage and
   * the tools.
   */
  readonly formatMessage?: (delivery: Delivery) => string
  /** Returns true for runs to deliver. Default: all runs, except those of sub-agents. */
  readonly when?: (delivery: StoredDelivery) => boolean
}

type SubjectOf = (delivery: Delivery) => string

const text = z.string().min(1)
const httpUrl = z.url({ protocol: /^https?$/ })
const secret = z
  .string()
  .regex(/^whsec_[A-Za-z0-9+/]{32,}={0,2}$/, "expected whsec_ and at least 24 bytes in base64")

const onUnknown = z.enum(["keep", "resend"]).optional()

const webhook = declareOptions<WebhookOptions>()({
  url: httpUrl,
  secret: secret.optional(),
  headers: z.record(text, z.string()).optional(),
  allowPrivateAddresses: z.boolean().optional(),
})

const telegram = declareOptions<TelegramOptions>()({
  botToken: text,
  chatId: text,
  label: text.optional(),
  onUnknown,
  files: createFunctionSchema<NonNullable<TelegramOptions["files"]>>().optional(),
  apiUrl: httpUrl.optional(),
})

const email = declareOptions<EmailOptions>()({
  url: z.url({ protocol: /^smtps?$/ }),
  from: text,
  to: z.union([text, z.array(text).min(1).max(100)]),
  subject: z.union([text, createFunctionSchema<SubjectOf>()]).optional(),
  onUnknown,
})

const slack = declareOptions<SlackOptions>()({
  webhookUrl: httpUrl,
  label: text.optional(),
  onUnknown,
  allowPrivateAddresses: z.boolean().optional(),
})

const shape = declareOptions<DeliveryOptions>()({
  onComplete: createFunctionSchema<NonNullable<DeliveryOptions["onComplete"]>>().optional(),
  webhook: z.strictObject(webhook).optional(),
  telegram: z.strictObject(telegram).optional(),
  slack: z.strictObject(slack).optional(),
  email: z.strictObject(email).optional(),
  writeFile: text.optional(),
  sendFile: text.optional(),
  formatMessage: createFunctionSchema<NonNullable<DeliveryOptions["formatMessage"]>>().optional(),
  when: createFunctionSchema<NonNullable<DeliveryOptions["when"]>>().optional(),
})

/** Returns true if the option `when` chooses the run. Throws if it returns anything else than true or false. */
export function isChosen({ when }: DeliveryOptions, delivery: StoredDelivery): boolean {
  if (when === undefined) return true
  const chosen: unknown = when(delivery)
  // A promise would count as true, and the run would be delivered whatever it resolves to.
  if (typeof chosen !== "boolean") throw new TypeError("delivery: `when` must return true or false.")
  return chosen
}

/** Throws a `ConfigurationError` that names unknown and wrong options, but no value, because some are secrets. */
export function checkDeliveryOptions(options: DeliveryOptions): void {
  const { telegram, sendFile } = parseOptions("delivery", z.strictObject(shape), options)
  if (sendFile !== undefined && telegram === undefined)
    throw new ConfigurationError("delivery: sendFile sends the file to Telegram. Set telegram as well.")
}
