import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest"
import { removeTree } from "../../src/features/sandbox/workspace/remove-tree.ts"
import { createAgent, type Gateway } from "../../src/index.ts"
import { eventually } from "../end-to-end/support/eventually.ts"
import { type SessionClient, startSession } from "../end-to-end/support/session-client.ts"
import { has, requires } from "../needs.ts"
import { sandboxDirectory, silent } from "./support/open.ts"

let gateway: Gateway
let url: string
let directory: string

beforeEach(() => requires("bubblewrap"), 600_000)
beforeAll(async () => {
  if (!(await has("bubblewrap"))) return
  directory = await sandboxDirectory()
  gateway = createAgent("You compute.", {
    provider: "demo",
    store: "memory",
    logger: silent,
    codeExecution: {
      backends: ["bubblewrap", "subprocess"],
      directory,
      maxBackground: 1,
      maxConcurrent: 4,
      maxOutputBytes: 2_000,
    },
  })
  url = (await gateway.listen({ port: 0 })).url
}, 600_000)

afterAll(async () => {
  await gateway?.close({ graceMs: 0 })
  if (directory !== undefined) await removeTree(directory)
})

/** Lets the demo call a tool. Resolves to the frames of the tool. */
async function call(session: SessionClient, name: string, input: object) {
  const frames = await (await session.chat(`/tool ${name} ${JSON.stringify(input)}`)).rest()
  const events = frames.map(({ event }) => event)
  const complete = events.find((event) => event.type === "tool_call_complete")
  if (complete === undefined) throw new Error(`no result: ${JSON.stringify(events)}`)
  return { events, result: complete.result as Record<string, unknown>, error: complete.error }
}

test("a model runs code, viewers see its output during the call, and clients get its files", async () => {
  const session = await startSession(url)
  const code = `print("hello")\nopen("out.csv", "w").write("a,b")`
  const { events, result } = await call(session, "code_execute", { code })
  const chunks = events.flatMap((event) => (event.type === "tool_output_chunk" ? [event.text] : []))
  expect(chunks.join("")).toBe("hello\n")
  expect(result).toMatchObject({
    stdout: "hello\n",
    stderr: "",
    return_code: 0,
    images: [],
    files: [{ path: "out.csv", size: 3, media_type: "text/csv" }],
    timed_out: false,
    ended_by: "exit",
    truncated: false,
  })
  const file = await session.request("/chat/files/out.csv")
  expect([file.status, await file.text()]).toEqual([200, "a,b"])
  for (const path of ["../out.csv", "..%2Fout.csv", "%2Fetc%2Fpasswd", "none"]) {
    expect((await session.request(`/chat/files/${path}`)).status).toBe(404)
  }
  const other = await startSession(url)
  expect((await other.request("/chat/files/out.csv")).status).toBe(404)
})

test("the application's own code and variables come first, and the model is told of them", async () => {
  const own = await sandboxDirectory()
  const asked: unknown[] = []
  const prepared = createAgent("You compute.", {
    provider: "demo",
    store: "memory",
    logger: silent,
    codeExecution: {
      backends: ["bubblewrap"],
      directory: own,
      preamble: { python: "import os\ndef token(): return os.environ['TOKEN']" },
      prepareEnv: async ({ session, language }) => {
        if (session.userId === "grace") throw new Error("The vault is closed: hunter2.")
        asked.push(language)
        return { TOKEN: `token of ${session.userId}` }
      },
      descriptionSuffix: "The function token() is there.",
    },
  })
  onTestFinished(async () => {
    await prepared.close({ graceMs: 0 })
    await removeTree(own)
  })
  const results: unknown[] = []
  const runAs = (userId: string) =>
    prepared.run('/tool code_execute {"code": "print(token())"}', {
      userId,
      onEvent: (event) => event.type === "tool_call_complete" && results.push(event.result ?? event.error),
    })
  await runAs("ada")
  await runAs("grace")
  expect(asked).toEqual(["python"])
  expect(results).toMatchObject([{ stdout: "token of ada\n", stderr: "" }, { code: "environment_failed" }])
  expect(JSON.stringify(results)).not.toContain("hunter2")
})

test("a plot is returned as an image, to the model and to the client", async () => {
  const session = await startSession(url)
  const code = `
import struct, zlib
def chunk(kind, data): return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
png = b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\\0\\0")) + chunk(b"IEND", b"")
open("plot.png", "wb").write(png)
open("fake.png", "wb").write(b"no image")`
  const { result } = await call(session, "code_execute", { code })
  const [text, image, ...others] = result.content as Record<string, never>[]
  expect(JSON.parse(text?.text ?? "")).toMatchObject({
    images: [{ path: "plot.png", media_type: "image/png" }],
    files: [{ path: "fake.png" }, { path: "plot.png" }],
  })
  expect(image).toMatchObject({ type: "image", source: { type: "base64", media_type: "image/png" } })
  expect(others).toEqual([])
})

test("long output keeps its beginning and its end, in a result that stays readable", async () => {
  const session = await startSession(url)
  const { result } = await call(session, "code_execute", { code: `print("\\x00" * 100_000 + "end")` })
  expect(result.truncated).toBe(true)
  expect(result.stdout).toMatch(/^\0+\n\[\d+ bytes are left out here\.\]\n\0+end\n$/)
})

test("code in the background is checked, canceled, and limited", async () => {
  const session = await startSession(url)
  const endless = { code: "print('on')\nwhile True: pass", background: true, timeout_ms: 60_000 }
  const { result } = await call(session, "code_execute", endless)
  const task_id = String(result.task_id)
  expect(result).toEqual({ task_id, status: "running" })
  const refused = await call(session, "code_execute", endless)
  expect(refused.error).toMatchObject({ code: "too_many_background_tasks" })
  const status = (input: object) => call(session, "code_execute_status", { task_id, ...input })
  await eventually("output", async () => ((await status({})).result.stdout === "on\n" ? true : null))
  const other = await startSession(url)
  expect((await call(other, "code_execute_status", { task_id })).error).toMatchObject({
    code: "task_not_found",
  })
  expect((await status({ cancel: true })).result).toMatchObject({ status: "cancelled", stdout: "on\n" })
  const quick = await call(session, "code_execute", { code: "print(1)", background: true })
  const finished = await eventually("the end", async () => {
    const { result } = await call(session, "code_execute_status", { task_id: quick.result.task_id })
    return result.status === "finished" ? result : null
  })
  expect(finished).toMatchObject({ stdout: "1\n", return_code: 0, ended_by: "exit" })
})

test("a user whose sessions are full of code leaves room for other users", async () => {
  const tasks = await Promise.all(
    Array.from({ length: 6 }, async () => {
      const session = await startSession(url, "greedy-key")
      const endless = { code: "while True: pass", background: true, timeout_ms: 120_000 }
      const { result } = await call(session, "code_execute", endless)
      return { session, task_id: result.task_id }
    }),
  )
  const { result } = await call(await startSession(url, "modest-key"), "code_execute", { code: "print(1)" })
  expect(result).toMatchObject({ stdout: "1\n", ended_by: "exit" })
  for (const { session, task_id } of tasks) {
    const cancelled = await call(session, "code_execute_status", { task_id, cancel: true })
    expect(cancelled.result).toMatchObject({ status: "cancelled" })
  }
})

test("code outside of a sandbox waits for a person", async () => {
  const session = await startSession(url)
  const stream = await session.chat(`/tool code_execute {"code": "print(6 * 7)", "host": "subprocess"}`)
  const asked = await stream.until(({ event }) => event.type === "tool_approval_request")
  const request = asked.at(-1)?.event
  expect(request).toMatchObject({ tool_name: "code_execute", resolved_qualifier: "subprocess" })
  if (request?.type !== "tool_approval_request") throw new Error("nobody was asked")
  const { tool_call_id, nonce } = request
  const answer = { tool_call_id, nonce, approved: true }
  expect((await session.post("/chat/tool-approval", answer)).status).toBe(200)
  const rest = (await stream.rest()).map(({ event }) => event)
  expect(rest.find((event) => event.type === "tool_call_complete")).toMatchObject({
    result: { stdout: "42\n" },
  })
})

test("the host auto is the preferred one", async () => {
  const session = await startSession(url)
  const { result } = await call(session, "code_execute", { code: "print(1)", host: "auto" })
  expect(result).toMatchObject({ stdout: "1\n" })
  const { error } = await call(session, "code_execute", { code: "print(1)", host: "elsewhere" })
  expect(error).toMatchObject({ code: "invalid_input" })
})

test("a canceled run ends its code", async () => {
  const session = await startSession(url)
  const stream = await session.chat(`/tool code_execute {"code": "print('on')\\nwhile True: pass"}`)
  await stream.until(({ event }) => event.type === "tool_output_chunk")
  expect((await session.post("/chat/cancel", {})).status).toBe(200)
  const last = (await stream.rest()).at(-1)?.event
  expect(last).toMatchObject({ type: "stream_complete", reason: "cancelled" })
  const { result } = await call(session, "code_execute", {
    code: "print(open('/proc/loadavg').read().split()[3])",
  })
  expect(result.return_code).toBe(0)
})

test("GET /ready names the backend of the code, and the limits that it cannot keep", async () => {
  const response = await fetch(`${url}/api/ready`)
  // Only root may make control groups.
  const detail =
    process.getuid?.() === 0
      ? "bubblewrap; the limit of memory leaves out file locks"
      : "bubblewrap, which does not limit memory, processor time: control groups are not permitted, " +
        "so a limit is that of each process"
  expect(await response.json()).toMatchObject({ checks: { code_execution: { ok: true, detail } } })
})

test("a gateway that requires a sandbox does not start without one", async () => {
  const refused = createAgent("You compute.", {
    provider: "demo",
    store: "memory",
    logger: silent,
    codeExecution: {
      backends: ["docker", "subprocess"],
      requireSandbox: true,
      directory,
      dockerSocket: "/nowhere",
    },
  })
  await expect(refused.prepare()).rejects.toThrow(
    /requireSandbox is set, and no sandbox works here whose limits hold \(docker: no Docker engine responds .*subprocess: works, but is not a sandbox\)/,
  )
})
