import { spawn } from "node:child_process"
import { randomUUID } from "node:crypto"
import { once } from "node:events"
import type { SandboxName } from "../../src/core/ports/tools/sandbox.ts"
import { removeTree } from "../../src/features/sandbox/workspace/remove-tree.ts"
import { requirePrograms } from "../../test/debian-packages.ts"
import { eventually } from "../../test/end-to-end/support/eventually.ts"
import { startEngine, type TestEngine, testImage } from "../../test/sandbox/support/engine.ts"
import { openTestSandboxes } from "../../test/sandbox/support/open.ts"
import { percentile } from "../statistics.ts"
import type { Latency } from "./latency.ts"

/** Milliseconds from the request for `print(1 + 1)` in Python to the first byte of its output. */
export interface SandboxResult {
  readonly bareSubprocess: Latency
  readonly bareDockerRun: Latency
  readonly backends: Readonly<Record<SandboxName, { readonly cold: Latency; readonly warm: Latency }>>
}

const code = "print(1 + 1)"

export async function measureSandbox({ probes }: { readonly probes: number }): Promise<SandboxResult> {
  await requirePrograms("bwrap")
  const engine = await startEngine()
  try {
    const docker = ["docker", "-H", `unix://${engine.socket}`, "run", "--rm", "--network", "none", testImage]
    return {
      bareSubprocess: await repeated(probes, () => firstByteOf(["/usr/bin/python3", "-c", code])),
      bareDockerRun: await repeated(probes, () => firstByteOf([...docker, "python3", "-c", code])),
      backends: {
        subprocess: await measureBackend("subprocess", probes, engine),
        bubblewrap: await measureBackend("bubblewrap", probes, engine),
        docker: await measureBackend("docker", probes, engine),
      },
    }
  } finally {
    await engine.stop()
  }
}

/**
 * Measures a backend. Cold: the first execution of a new session. Warm: a later execution, after the warm pool, if
 * there is one, has a container ready.
 */
async function measureBackend(host: SandboxName, probes: number, engine: TestEngine) {
  const { sandboxes, directory } = await openTestSandboxes(host, {
    dockerSocket: engine.socket,
    image: testImage,
  })
  const firstByte = async (sessionId: string) => {
    const began = performance.now()
    const sandbox = await sandboxes.open({ id: sessionId, tenant: "bench", userId: "bench" })
    let first: number | null = null
    const request = { host, language: "python", code, timeoutMs: 20_000 } as const
    for await (const event of sandbox.exec(request, { signal: new AbortController().signal })) {
      if (event.type === "output") first ??= performance.now() - began
    }
    if (first === null) throw new Error(`${host} gave no output.`)
    return first
  }
  try {
    const cold = await repeated(probes, () => firstByte(randomUUID()))
    const session = randomUUID()
    await firstByte(session)
    const warm = await repeated(probes, async () => {
      if (host === "docker") await eventually("a waiting container", () => isWaiting(engine, session))
      return firstByte(session)
    })
    return { cold, warm }
  } finally {
    await sandboxes.close()
    await removeTree(directory)
  }
}

async function isWaiting({ docker }: TestEngine, session: string): Promise<true | null> {
  const label = [`ai-agent-gateway.session=${session}`]
  const running = await docker.listContainers({ filters: { label, status: ["running"] } })
  return running.length > 0 ? true : null
}

async function repeated(probes: number, probe: () => Promise<number>): Promise<Latency> {
  await probe()
  const taken: number[] = []
  for (let index = 0; index < probes; index++) taken.push(await probe())
  return { p50: percentile(taken, 0.5), p95: percentile(taken, 0.95) }
}

async function firstByteOf([program = "", ...args]: readonly string[]): Promise<number> {
  const began = performance.now()
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] })
  const ended = once(child, "close")
  await once(child.stdout, "data")
  const taken = performance.now() - began
  await ended
  return taken
}
