import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { setTimeout as delay } from "node:timers/promises"
import type { OutboxRow } from "../../../src/core/ports/store/outbox.ts"
import { systemClock } from "../../../src/core/time/clock.ts"
import { openStore } from "../../../src/gateway/service/open-store.ts"
import { bundleProgram } from "../../bundle-program.ts"
import type { Random } from "../../crash/support/random.ts"
import { type ChannelName, type Receivers, startReceivers } from "./receivers.ts"

const program = await bundleProgram(new URL("../fixtures/node.ts", import.meta.url))
const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`
const silent = { debug() {}, info() {}, warn() {}, error() {} }
/** Maximum milliseconds until everything is delivered. The row of a dead process is due again after half a minute. */
const settleMs = 90_000
/** Channels without message ids. */
const withoutIds = ["telegram", "slack", "email"] as const

export interface Plan {
  /** Path of a data directory. */
  readonly store: string
  readonly kills: number
  readonly random: Random
}

export interface Played {
  /** All violations of the guarantees, one line each. */
  readonly violations: readonly string[]
  readonly kills: number
  readonly runs: number
  /** Number of webhooks that arrived more than once, which receivers recognize by their ids. */
  readonly repetitions: number
  /** Number of dead rows whose reason starts with `unknown:`, by channel. */
  readonly unknown: Readonly<Record<string, number>>
}

/** Kills a process repeatedly around its deliveries. Then another process delivers the rest. */
export async function play({ store, kills, random }: Plan): Promise<Played> {
  let current: ChildProcess | null = null
  let killed = 0
  let countdown = Number.POSITIVE_INFINITY
  const kill = () => {
    if (killed >= kills || current === null || current.killed) return
    killed += 1
    current.kill("SIGKILL")
  }
  const receivers = await startReceivers(secret, () => {
    countdown -= 1
    if (countdown <= 0) kill()
  })
  const { httpUrl: HTTP_URL, smtpUrl: SMTP_URL } = receivers
  const runs = new Map<string, string>()
  const start = () => {
    const env = { ...process.env, STORE: store, HTTP_URL, SMTP_URL, SECRET: secret }
    const child = fork(program, { env, stdio: ["ignore", "ignore", "inherit", "ipc"] })
    child.on("message", (message: "ready" | { readonly jobId: string; readonly runId: string }) => {
      if (message !== "ready") runs.set(message.jobId, message.runId)
    })
    return child
  }
  try {
    let jobs = 0
    while (killed < kills) {
      const child = start()
      current = child
      const exited = once(child, "exit")
      await Promise.race([once(child, "message"), exited])
      if (!child.connected) continue
      // The next kill is at one of the moments around its deliveries, or at any other moment.
      countdown = random.whole(1, 9)
      jobs += 2
      for (const job of [jobs - 1, jobs]) child.send(`job-${job}`)
      const timer = random.chance(0.3) ? setTimeout(kill, random.whole(0, 400)) : setTimeout(kill, 5_000)
      await exited
      clearTimeout(timer)
    }
    const last = start()
    current = last
    await once(last, "message")
    for (let job = 1; job <= jobs; job += 1) last.send(`job-${job}`)
    const rows = await untilSettled(store, () => runs.size === jobs)
    last.kill("SIGKILL")
    await once(last, "exit")
    return { ...judge(receivers, [...runs.values()], rows), kills: killed, runs: jobs }
  } finally {
    current?.kill("SIGKILL")
    await receivers.close()
  }
}

/** Resolves to the dead rows when no other rows are left. */
async function untilSettled(path: string, isOver: () => boolean): Promise<readonly OutboxRow[]> {
  const { outbox, close } = await openStore(
    { store: path, durability: "process" },
    { clock: systemClock, logger: silent },
  )
  const deadline = Date.now() + settleMs
  try {
    for (;;) {
      const waiting = await outbox.rows({ state: "waiting", limit: 1 })
      if (isOver() && waiting.length === 0) return await outbox.rows({ state: "dead", limit: 100_000 })
      if (Date.now() > deadline) throw new Error("The deliveries did not end in time.")
      await delay(200)
    }
  } finally {
    await close()
  }
}

function judge(
  { received, webhookIds, unsigned }: Receivers,
  runs: readonly string[],
  dead: readonly OutboxRow[],
): Pick<Played, "violations" | "repetitions" | "unknown"> {
  const violations = unsigned.map((id) => `the webhook ${id} is not signed`)
  const unknown: Record<string, number> = {}
  if (new Set(runs).size !== runs.length) violations.push("two jobs have one run")
  const ids = new Set(webhookIds)
  for (const run of runs) if (!ids.has(`webhook_${run}`)) violations.push(`the webhook of ${run} was lost`)
  if (ids.size !== runs.length) violations.push(`${ids.size} ids of webhooks for ${runs.length} runs`)
  for (const { id, lastError } of dead) {
    const channel = id.slice(0, id.indexOf("_"))
    if (lastError?.startsWith("unknown:") !== true) violations.push(`${id} is dead: ${lastError}`)
    else unknown[channel] = (unknown[channel] ?? 0) + 1
  }
  for (const channel of withoutIds) {
    for (const run of runs) violations.push(...judgeRun(channel, run, { received, dead }))
  }
  return { violations, repetitions: webhookIds.length - ids.size, unknown }
}

/**
 * Yields the violations for a channel without ids. A message must arrive once, or its row must be dead with an
 * unknown outcome.
 */
function* judgeRun(
  channel: ChannelName,
  run: string,
  { received, dead }: { readonly received: Receivers["received"]; readonly dead: readonly OutboxRow[] },
): Iterable<string> {
  const times = received[channel].filter((each) => each === run).length
  const isInDoubt = dead.some(({ id }) => id === `${channel}_${run}`)
  if (times > 1) yield `${channel} received the end of ${run} ${times} times`
  if (times === 0 && !isInDoubt) yield `${channel} did not receive the end of ${run}, which is not in doubt`
}
