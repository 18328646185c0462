import { execFileSync } from "node:child_process"
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it, onTestFinished } from "vitest"
import { readChecklist } from "./checklist.ts"
import { stripHeartbeatOk } from "./quiet.ts"

describe("stripHeartbeatOk", () => {
  it.each([
    ["HEARTBEAT_OK", "", true],
    ["HEARTBEAT_OK\nAll fine.", "All fine.", true],
    ["All fine.\n\n HEARTBEAT_OK \n\n", "All fine.", true],
    ["\r\nHEARTBEAT_OK\r\nFine.\r\nHEARTBEAT_OK", "Fine.", true],
    ["**HEARTBEAT_OK**", "", true],
    ["`HEARTBEAT_OK`.", "", true],
    ["HEARTBEAT_OK: nothing to do", ": nothing to do", false],
    ["One\nHEARTBEAT_OK\nTwo", "One\n\nTwo", false],
    ["I would say HEARTBEAT_OK.", "I would say .", false],
    ["heartbeat_ok", "heartbeat_ok", false],
    ["", "", false],
  ])("turns %j into %j", (response, text, hasToken) => {
    expect(stripHeartbeatOk(response)).toEqual({ text, hasToken })
  })

  it("leaves no token, even if it is repeated", () => {
    const response = "HEARTBEAT_HEARTBEAT_OKOK\nHEARTBEAT_OK HEARTBEAT_OK\nx"
    expect(stripHeartbeatOk(response).text).not.toContain("HEARTBEAT_OK")
  })

  it("removes deeply nested tokens at once", () => {
    const nested = `${"HEARTBEAT".repeat(50_000)}HEARTBEAT_OK${"_OK".repeat(50_000)}`
    expect(stripHeartbeatOk(`${nested} All is well.`).text).toBe("All is well.")
  })
})

describe("a checklist", () => {
  async function file(text: string | Buffer): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), "agent-gateway-checklist-"))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const path = join(folder, "HEARTBEAT.md")
    await writeFile(path, text)
    return path
  }

  it.each(["", "\n\n  \n", "# Check\n\n## Mail\n", "\ufeff# Check\r\n", "<!-- - mail\n- calendar -->\n# x"])(
    "of %j has no tasks",
    async (text) => {
      expect(await readChecklist(await file(text))).toEqual({ type: "empty" })
    },
  )

  it("with a task is returned unchanged", async () => {
    const text = "# Check\n- the mail\n"
    expect(await readChecklist(await file(text))).toEqual({ type: "tasks", text })
  })

  it("that does not exist has no tasks", async () => {
    expect(await readChecklist(join(tmpdir(), "no", "such", "file"))).toEqual({ type: "empty" })
  })

  it("cannot be a folder, a pipe, or huge", async () => {
    const path = await file("x")
    await mkdir(`${path}.d`)
    execFileSync("mkfifo", [`${path}.fifo`])
    for (const unusable of [`${path}.d`, `${path}.fifo`, await file("x".repeat(64 * 1024 + 1))]) {
      expect(await readChecklist(unusable)).toMatchObject({ type: "unusable" })
    }
    expect(await readChecklist(await file("x".repeat(64 * 1024)))).toMatchObject({ type: "tasks" })
  })

  it("cannot be in an unreadable place, such as a cycle of links, or below a file", async () => {
    const path = await file("x")
    await symlink(`${path}.loop`, `${path}.loop`)
    for (const unreadable of [`${path}.loop`, join(path, "below"), "bad\0name"]) {
      expect(await readChecklist(unreadable)).toMatchObject({
        type: "unusable",
        problem: expect.stringMatching(/^The checklist cannot be used: .+\.$/),
      })
    }
  })

  it("of a terabyte is refused without being read", async () => {
    const path = await file("")
    await truncate(path, 1024 ** 4)
    expect(await readChecklist(path)).toMatchObject({
      type: "unusable",
      problem: expect.stringContaining("65536 bytes"),
    })
  })
})
