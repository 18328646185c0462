import { spawn } from "node:child_process"
import { once } from "node:events"
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { createInterface } from "node:readline"
import { anthropicEvents } from "../../src/testing/provider/anthropic-wire.ts"
import { type ScriptedUpstream, startScriptedUpstream } from "../../src/testing/provider/scripted-upstream.ts"
import { converse } from "./converse.ts"
import { normalizeRequests, type RequestsByConversation, readModelRequest } from "./requests.ts"
import type { ModelOptions, Script } from "./scripts.ts"

/** Plays a script with the Python package. Resolves to its requests to the model. */
export function playOriginal(script: Script, python: string): Promise<RequestsByConversation> {
  return record(script, async (model, folder) => {
    const program = new URL("play.py", import.meta.url).pathname
    const child = spawn(python, [program, script.name], {
      cwd: folder,
      env: { ...process.env, ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: "key", HOME: folder },
      stdio: ["pipe", "pipe", "inherit"],
    })
    const exited = once(child, "exit")
    try {
      if ("messages" in script) {
        const { value: url } = await createInterface(child.stdout)[Symbol.asyncIterator]().next()
        if (url !== undefined) await converse(url, script.messages)
        child.stdin.end()
      }
      const [code] = await exited
      if (code !== 0) throw new Error(`The Python package ended with ${code} in the script ${script.name}.`)
    } finally {
      child.kill()
    }
  })
}

/** Plays a script with this product. Resolves to its requests to the model. */
export function playHere(script: Script): Promise<RequestsByConversation> {
  return record(script, async (model, folder) => {
    const options: ModelOptions = {
      provider: "anthropic",
      apiKey: "key",
      providerConfig: { baseURL: model.url },
      store: "memory",
      logger: { debug() {}, info() {}, warn() {}, error() {} },
    }
    if (!("messages" in script)) {
      await script.run(options, folder)
      return
    }
    const gateway = script.serve(options, folder)
    try {
      const { url } = await gateway.listen({ port: 0 })
      await converse(url, script.messages)
    } finally {
      await gateway.close({ graceMs: 0 })
    }
  })
}

async function record(
  { files = {}, tasks, respond }: Script,
  play: (model: ScriptedUpstream, folder: string) => Promise<void>,
): Promise<RequestsByConversation> {
  const folder = await mkdtemp(join(tmpdir(), "agent-gateway-original-"))
  // Code that the model runs may belong to another user.
  await chmod(folder, 0o755)
  const model = await startScriptedUpstream((request) => {
    const modelRequest = readModelRequest(request, tasks)
    const response = respond(modelRequest)
    const { parts, ...options } = "parts" in response ? response : { parts: response }
    const numbered = parts.map((part, index) =>
      part.type === "toolCall" ? { id: `toolu_${modelRequest.step}_${index}`, ...part } : part,
    )
    return { steps: anthropicEvents(numbered, { inputTokens: 1_000, outputTokens: 100, ...options }) }
  })
  try {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true })
      await writeFile(join(folder, path), text)
    }
    await play(model, folder)
    return normalizeRequests(model.requests, { folder, tasks })
  } finally {
    await model.close()
    await rm(folder, { recursive: true, force: true })
  }
}
