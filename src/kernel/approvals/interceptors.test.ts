import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { InterceptedCall } from "../../core/ports/tools/interceptor.ts"
import { createOrigin } from "../../testing/session-log/waits/tool-origin.ts"
import { pathAllowlist } from "./path-allowlist.ts"
import { rateLimitInterceptor } from "./rate-limit.ts"

function call(toolName: string, input = {}, userId = "alice", id = "sess_1"): InterceptedCall {
  const session = { id, tenant: "t", userId }
  return {
    toolName,
    origin: null,
    input,
    qualifier: null,
    toolCallId: "c",
    runId: "r",
    session,
    channel: null,
    context: {},
    approved: false,
    signal: new AbortController().signal,
  }
}

describe("a rate limit", () => {
  it("denies calls past the number, and lets them through again later", () => {
    let now = 0
    const limit = rateLimitInterceptor({ max: 2, windowSeconds: 10, now: () => now })
    const actions = () =>
      [limit(call("a")), limit(call("a")), limit(call("a"))].map((said) => "action" in said && said.action)
    expect(actions()).toEqual(["allow", "allow", "deny"])
    now = 4_000
    expect(limit(call("a"))).toMatchObject({
      code: "rate_limited",
      message: expect.stringContaining("in 6 s"),
    })
    now = 10_000
    expect(actions()).toEqual(["allow", "allow", "deny"])
  })

  it("counts each user and each tool separately", () => {
    const limit = rateLimitInterceptor({ max: 1, windowSeconds: 10 })
    const calls = [call("a"), call("b"), call("a", {}, "bob"), call("a", {}, "alice", "sess_2")]
    expect(calls.map((each) => limit(each))).toMatchObject([
      { action: "allow" },
      { action: "allow" },
      { action: "allow" },
      { action: "deny" },
    ])
  })

  it("counts named tools together, and each session separately if configured", () => {
    const limit = rateLimitInterceptor({ max: 1, windowSeconds: 10, tools: ["a", "b"], per: "session" })
    const calls = [call("a"), call("b"), call("c"), call("c"), call("a", {}, "alice", "sess_2")]
    expect(calls.map((each) => limit(each))).toMatchObject([
      { action: "allow" },
      { action: "deny" },
      { action: "allow" },
      { action: "allow" },
      { action: "allow" },
    ])
  })

  it("counts a server's tool by its name on the server, which no other server can change", () => {
    const limit = rateLimitInterceptor({ max: 1, windowSeconds: 10, tools: ["deploy"] })
    const renamed = { ...call("a__deploy"), origin: createOrigin("a") }
    expect([renamed, renamed].map((each) => limit(each))).toMatchObject([
      { action: "allow" },
      { action: "deny" },
    ])
  })

  it("does not count a call again that a person approved", () => {
    const limit = rateLimitInterceptor({ max: 1, windowSeconds: 10 })
    expect(limit(call("a"))).toEqual({ action: "allow" })
    expect(limit({ ...call("a"), approved: true })).toEqual({ action: "allow" })
  })
})

describe("a path allowlist", () => {
  let folder: string
  let root: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "allowlist-"))
    root = join(folder, "data")
    await mkdir(join(root, "inner"), { recursive: true })
    await mkdir(join(folder, "data-private"))
    await mkdir(join(root, "a", "b"), { recursive: true })
    await symlink(folder, join(root, "escape"))
    await symlink(join(folder, "not-there"), join(root, "dangling"))
    await symlink("../../data-private/new", join(root, "inner", "relative"))
    await symlink("escape", join(root, "chain"))
    await symlink("loop", join(root, "loop"))
    await symlink("new", join(root, "promise"))
    await symlink("a/b", join(root, "deep"))
  })
  afterAll(() => rm(folder, { recursive: true }))

  const decide = (path: unknown) => {
    const allowlist = pathAllowlist({ roots: [root], parameters: { read: ["path"], copy: ["from", "to"] } })
    return allowlist(call("read", { path }))
  }

  it("reads a file URL as the path that it names", async () => {
    expect(await decide(pathToFileURL(join(root, "inner", "a b%c")).href)).toEqual({ action: "allow" })
    expect(await decide(pathToFileURL(join(root, "escape", "x")).href)).toMatchObject({ action: "deny" })
  })

  it.each([
    "100% sure.txt",
    "c:notes",
    "a~b",
    "",
    ".",
    "inner/file",
    "inner/../x",
    "new/folder/file",
    "..hidden",
    "promise",
    "deep/../x",
    "a//b/./c/",
  ])("lets %j through", async (path) => {
    expect(await decide(path)).toEqual({ action: "allow" })
  })

  it("allows an absolute path inside, even through a link", async () => {
    expect(await decide(join(root, "inner"))).toEqual({ action: "allow" })
    expect(await decide(join(root, "escape", "data", "inner"))).toEqual({ action: "allow" })
  })

  it.each([
    "..",
    "../other",
    "../data-private/x",
    "/etc/passwd",
    "escape/x",
    "escape",
    "inner/../../x",
    // The kernel follows the link before it resolves the `..`.
    "escape/../secret",
    "chain/../secret",
    // A tool that resolves `..` before it opens the file leaves the root.
    "deep/../../x",
    // A write creates the file that the link points to.
    "dangling",
    "dangling/x",
    "inner/relative",
    "loop",
    "loop/x",
    "new/../x",
    "promise/../x",
    "file:///etc/passwd",
    "FILE:/etc/passwd",
    " file:///etc/passwd",
    "fi\nle:///etc/passwd",
    "file://elsewhere/etc/passwd",
    "https://example.com/x",
    "data:text/plain,x",
    // Tools that accept a URL decode it.
    "%2e%2e/%2e%2e/etc/passwd",
    "file%3a///etc/passwd",
    "%00",
    // Some tools trim a path, or read several paths from a text.
    " /etc/passwd",
    "\u0001file:///etc/passwd",
    "ok\n/etc/passwd",
    // Some tools accept the separators of Windows.
    "..\\..\\etc\\passwd",
    "..%2F..%2Fetc",
    // Some tools expand a path like a shell.
    "~/.ssh/id_ed25519",
    "~root/x",
    "a\0b",
    7,
    ["ok", "/etc"],
  ])("denies %j", async (path) => {
    expect(await decide(path)).toMatchObject({ action: "deny", code: "path_not_allowed" })
  })

  it("knows a server's tool by its name on the server, which no other server can change", async () => {
    const allowlist = pathAllowlist({ roots: [root], parameters: { read: ["path"], a__read: ["from"] } })
    const origin = createOrigin("a", { tool: "read" })
    for (const input of [{ path: "/etc/x" }, { from: "/etc/x" }]) {
      expect(await allowlist({ ...call("a__read", input), origin })).toMatchObject({ action: "deny" })
    }
  })

  it("checks every named parameter, and no other tool", async () => {
    const allowlist = pathAllowlist({ roots: [root], parameters: { copy: ["from", "to"] } })
    expect(await allowlist(call("copy", { from: "a", to: "/etc/x" }))).toMatchObject({ action: "deny" })
    expect(await allowlist(call("read", { path: "/etc/x" }))).toEqual({ action: "allow" })
  })
})
