import { describe, expect, it } from "vitest"
import type { Session } from "../../../core/ports/store/session-log.ts"
import type { OpenedFile } from "../../../core/ports/tools/sandbox.ts"
import { createTestApp, readProblem } from "../../../http/fixtures/test-app.ts"

/** Returns a session's files, and records which of them are open. */
function filesOf(texts: Readonly<Record<string, string>>) {
  const open = new Set<string>()
  const asked: [string, string][] = []
  const openFile = async ({ id }: Session, path: string): Promise<OpenedFile | null> => {
    asked.push([id, path])
    const text = texts[path]
    if (text === undefined) return null
    open.add(path)
    const pieces = [new TextEncoder().encode(text)]
    const content: AsyncIterableIterator<Uint8Array> = {
      [Symbol.asyncIterator]: () => content,
      async next() {
        const value = pieces.shift()
        if (value !== undefined) return { done: false, value }
        open.delete(path)
        return { done: true, value: undefined }
      },
      async return() {
        open.delete(path)
        return { done: true, value: undefined }
      },
    }
    return { size: Buffer.byteLength(text), content }
  }
  return { openFile, open, asked }
}

describe("GET /chat/files/PATH", () => {
  it("returns a file of the token's session as a download", async () => {
    const files = filesOf({ "out/Übersicht (1).html": "<script>" })
    const app = createTestApp({ openFile: files.openFile })
    const { sessionId, headers } = await app.authorize()
    const response = await app.fetch(`/api/chat/files/out/${encodeURIComponent("Übersicht (1).html")}`, {
      headers,
    })
    expect(response.status).toBe(200)
    expect(files.asked).toEqual([[sessionId, "out/Übersicht (1).html"]])
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "application/octet-stream",
      "content-length": "8",
      "content-disposition": "attachment; filename*=UTF-8''%C3%9Cbersicht%20%281%29.html",
      "x-content-type-options": "nosniff",
    })
    expect(await response.text()).toBe("<script>")
    expect(files.open.size).toBe(0)
  })

  it.each([
    "a\nb.txt",
    "in\r\nside/\u2028c.txt",
    "100%.txt",
    "%2e%2e",
    "%0A",
    "a?b#c&d=e+f",
    " ",
    "...",
    "\\",
    ";:@",
    "*",
    ":path",
    "\u0001\u007f",
    "🙂/漢字",
  ])("returns the file %j, as every name that can be listed", async (name) => {
    const files = filesOf({ [name]: "text" })
    const app = createTestApp({ openFile: files.openFile })
    const { headers } = await app.authorize()
    const path = name.split("/").map(encodeURIComponent).join("/")
    const response = await app.fetch(`/api/chat/files/${path}`, { headers })
    expect([response.status, await response.text()]).toEqual([200, "text"])
  })

  it("answers 404 for a missing file", async () => {
    const app = createTestApp({ openFile: filesOf({}).openFile })
    const { headers } = await app.authorize()
    const response = await app.fetch("/api/chat/files/none.txt", { headers })
    expect(response.status).toBe(404)
    expect(await readProblem(response)).toMatchObject({ code: "file_not_found" })
  })

  it("closes the file after a HEAD request, or when the client disconnects", async () => {
    const files = filesOf({ "a.txt": "a" })
    const app = createTestApp({ openFile: files.openFile })
    const { headers } = await app.authorize()
    const head = await app.fetch("/api/chat/files/a.txt", { method: "HEAD", headers })
    expect(head.headers.get("content-length")).toBe("1")
    expect(files.open.size).toBe(0)
    const left = await app.fetch("/api/chat/files/a.txt", { headers })
    await left.body?.cancel()
    expect(files.open.size).toBe(0)
  })
})
