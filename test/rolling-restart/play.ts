import { closeSync, openSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { toError } from "../../src/core/errors.ts"
import { type ListeningProcess, startListening } from "../listening-process.ts"
import type { Build } from "./support/build.ts"
import { openFront } from "./support/front.ts"
import { type LoadReport, startLoad } from "./support/load.ts"

export interface RollingRestart {
  /** The nodes that serve at first, and those that replace them one after the other, and are replaced again. */
  readonly from: Build
  readonly to: Build
  /** A database's URL, or a data directory. */
  readonly store: string
  /** Working directory of the nodes. */
  readonly folder: string
  readonly nodes: number
  readonly clients: number
  /** Number of messages that each client sends between two restarts of a node. */
  readonly messages: number
  /** Called when the first node of `to` serves beside those of `from`. */
  readonly whenMixed?: () => Promise<void>
  readonly onStep?: (step: string) => void
  /** Milliseconds that a step may take. */
  readonly withinMs: number
}

export type RollingRestartReport = Omit<LoadReport, "bills"> & { readonly restarts: number }

/**
 * Replaces the nodes of one build by those of another one, and those again by nodes of the first build, one node after
 * the other, while clients chat, answer approvals from before each restart, and read their histories.
 */
export async function playRollingRestart(plan: RollingRestart): Promise<RollingRestartReport> {
  const { from, to, store, folder, nodes: count, clients, messages, whenMixed, onStep, withinMs } = plan
  const lost: string[] = []
  const front = await openFront()
  const log = openSync(join(folder, "nodes.log"), "a")
  const nodes: ListeningProcess[] = []
  let restarts = 0

  async function start(build: Build): Promise<ListeningProcess> {
    const node = await startListening({
      name: build.name,
      args: [build.program, "start", build.agent, "--port", "0"],
      cwd: folder,
      stderr: log,
      env: { STORE: store, NODE_COMPILE_CACHE: join(tmpdir(), "agent-gateway-rolling-restart-cache") },
    })
    front.add(node)
    return node
  }

  async function replace(node: ListeningProcess, build: Build): Promise<void> {
    nodes.push(await start(build))
    front.remove(node)
    nodes.splice(nodes.indexOf(node), 1)
    const code = await node.end("SIGTERM")
    if (code !== 0) lost.push(`a node ended with ${code} after SIGTERM`)
    restarts++
  }

  try {
    for (let node = 0; node < count; node++) nodes.push(await start(from))
    const load = startLoad(front.url, { clients, withinMs })
    try {
      await load.answerOpen()
      await load.progress(messages)
      for (const build of [to, from]) {
        for (const [index, node] of [...nodes].entries()) {
          onStep?.(`node ${index + 1} becomes ${build.name}`)
          await replace(node, build)
          if (build === to && index === 0) await whenMixed?.()
          await load.answerOpen()
          await load.progress(messages)
        }
      }
      await load.answerOpen()
    } catch (error) {
      lost.push(toError(error).message)
    }
    const { bills, ...report } = await load.stop()
    return {
      ...report,
      restarts,
      lost: [...report.lost, ...lost, ...(await findWrongEffects(folder, bills))],
    }
  } finally {
    front.close()
    closeSync(log)
    await Promise.all(nodes.map((node) => node.end("SIGKILL")))
  }
}

/** Returns the approved calls that did not run exactly once. */
async function findWrongEffects(folder: string, bills: readonly string[]): Promise<readonly string[]> {
  const paid = (await readFile(join(folder, "journal.txt"), "utf8")).split("\n").slice(0, -1)
  return bills.flatMap((bill) => {
    const times = paid.filter((each) => each === bill).length
    return times === 1 ? [] : [`the bill ${bill} was paid ${times} times`]
  })
}
