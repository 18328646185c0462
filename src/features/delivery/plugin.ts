import { toError } from "../../core/errors.ts"
import type { Json, JsonObject } from "../../core/json/json.ts"
import type { Logger } from "../../core/ports/logger.ts"
import type { Plugin, PluginCheck } from "../../core/ports/plugin.ts"
import type { OutboxHandler } from "../../core/ports/store/outbox.ts"
import type { RunEnd } from "../../core/runs/run-end.ts"
import { type Channel, createChannels } from "./channels.ts"
import { attemptMs } from "./deliver.ts"
import { requireMailer } from "./email.ts"
import { checkDeliveryOptions, type DeliveryOptions, isChosen, type StoredDelivery } from "./options.ts"
import { findRefusal, type PostChannel } from "./private-address.ts"
import { refuseRepetition } from "./unknown-outcome.ts"

/** Maximum characters of the response. An item of the outbox has at most a megabyte. */
const maxResponse = 100_000

/**
 * Delivers the end of each run of the agent through the outbox: at least once, even after a crash, and always under
 * the same id. Throws a `ConfigurationError` if options are unknown or wrong.
 */
export function delivery(options: DeliveryOptions): Plugin {
  return createDeliveryPlugin(options, null)
}

/** Facts about runs that are not in their log. */
export interface RunRecords {
  /** Called in the process that executes the run, before the end of the run is stored. May be called again. */
  expect(runId: string): void
  /** Rejects if the signal aborts, or if the state cannot be read. */
  read(runId: string, signal: AbortSignal): Promise<RunRecord>
}

export interface RunRecord {
  /** The state after the run. */
  readonly state: JsonObject | null
  /** If true, the run was canceled because it exceeded its time limit. */
  readonly timedOut: boolean
}

/** Creates the plugin `delivery` for runs of which more is known than their log. */
export function createDeliveryPlugin(options: DeliveryOptions, records: RunRecords | null): Plugin {
  checkDeliveryOptions(options)
  return {
    name: "delivery",
    async setup({ agent, logger }) {
      if (options.email !== undefined) await requireMailer()
      const channels = createChannels(options, { keepNewer: true })
      const kinds = channels.map(({ name }) => name)
      const posts = listPosts(options)
      return {
        checks: ({ isOperator }) => Promise.all(posts.map((post) => checkPost(post, isOperator))),
        async start() {
          for (const post of posts) {
            const refusal = await findRefusal(post, { resolves: false })
            if (refusal !== null)
              logger.warn({ channel: post.channel, reason: refusal }, "No delivery can be made.")
          }
        },
        outbox: Object.fromEntries(
          channels.map((channel) => [channel.name, createHandler(channel, { records, logger })]),
        ),
        openRun: () => ({
          itemsAtEnd: (end) => {
            records?.expect(end.runId)
            const of = (kind: string) => createDelivery(end, { agent, kind })
            const chosen = kinds.filter((kind) => isChosen(options, of(kind)))
            return chosen.map((kind) => ({ id: toDeliveryId(end, kind), kind, payload: toJson(of(kind)) }))
          },
        }),
      }
    },
  }
}

/** Returns the channels that post to an address of the options. */
function listPosts({ webhook, slack }: DeliveryOptions): readonly PostChannel[] {
  const posts: PostChannel[] = []
  if (webhook !== undefined) {
    const { url, allowPrivateAddresses = false } = webhook
    posts.push({ channel: "webhook", url, allowPrivateAddresses })
  }
  if (slack !== undefined) {
    const { webhookUrl: url, allowPrivateAddresses = false } = slack
    posts.push({ channel: "slack", url, allowPrivateAddresses })
  }
  return posts
}

/** Anyone can request the readiness, so names are looked up only for operators. */
async function checkPost(post: PostChannel, isOperator: boolean): Promise<PluginCheck> {
  const refusal = await findRefusal(post, { resolves: isOperator })
  const detail = isOperator && refusal !== null ? { detail: refusal } : {}
  return { part: post.channel, ok: refusal === null, ...detail }
}

/**
 * Milliseconds from the end of an attempt's time to the end of its handler's time, so that the channel itself reports
 * the outcome of the message.
 */
const marginMs = 5_000

interface HandlerParts {
  readonly records: RunRecords | null
  readonly logger: Logger
}

function createHandler({ send, onUnknown }: Channel, { records, logger }: HandlerParts): OutboxHandler {
  return {
    timeoutMs: attemptMs + marginMs,
    traceparentOf: (payload) => (payload as unknown as StoredDelivery).traceparent ?? null,
    async deliver({ payload, interrupted }, { signal, traceparent }) {
      if (onUnknown !== null) refuseRepetition(interrupted, onUnknown)
      const attempt = AbortSignal.any([signal, AbortSignal.timeout(attemptMs)])
      const row = payload as unknown as StoredDelivery
      // Rows of earlier versions do not have the tools.
      const stored = {
        ...row,
        toolsUsed: row.toolsUsed ?? [],
        ...(traceparent !== null && { traceparent }),
      }
      const { state, timedOut } = await readRecord(records, stored, { signal: attempt, logger })
      await send({ ...stored, ...(timedOut && { reason: "timeout" }), state }, attempt)
    },
  }
}

const noRecord: RunRecord = { state: null, timedOut: false }

/** Resolves to the record without a state if the state cannot be read. */
async function readRecord(
  records: RunRecords | null,
  { runId }: StoredDelivery,
  { signal, logger }: { readonly signal: AbortSignal; readonly logger: Logger },
): Promise<RunRecord> {
  if (records === null) return noRecord
  try {
    return await records.read(runId, signal)
  } catch (thrown) {
    signal.throwIfAborted()
    logger.warn(
      { error: toError(thrown), runId },
      "The state of the run cannot be read, so it is delivered without its state.",
    )
    return noRecord
  }
}

function toDeliveryId({ runId }: RunEnd, kind: string): string {
  return `${kind}_${runId}`
}

function createDelivery(
  end: RunEnd,
  { agent, kind }: { readonly agent: string; readonly kind: string },
): StoredDelivery {
  const { sessionId, runId, endedAt, outcome, reason, error, toolsUsed, usage, cost, traceparent } = end
  const response = end.response.slice(0, maxResponse).toWellFormed()
  return {
    id: toDeliveryId(end, kind),
    agent,
    sessionId,
    runId,
    endedAt,
    outcome,
    reason,
    error,
    response,
    toolsUsed,
    usage,
    cost,
    ...(traceparent !== undefined && { traceparent }),
  }
}

function toJson(delivered: StoredDelivery): Json {
  return { ...delivered } as unknown as Json
}
