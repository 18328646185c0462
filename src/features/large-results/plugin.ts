import { createHash } from "node:crypto"
import { toError } from "../../core/errors.ts"
import type { Plugin, PluginRun, PluginServices, RunParts } from "../../core/ports/plugin.ts"
import { type Content, type Contents, contentChunkBytes } from "../../core/ports/store/contents.ts"
import type { Tool, ToolContext, ToolResult } from "../../core/ports/tools/tool.ts"
import type { TransformedCall } from "../../core/ports/tools/transform-tool-result.ts"
import { requireStorePart } from "../../core/require-store-part.ts"
import { waitForNextSlice } from "../../core/time/next-slice.ts"
import { selectMarks } from "../../core/tools/tool-result.ts"
import { type ByteSource, createTextSource, openContent } from "./byte-source.ts"
import { type LargeResultsOptions, resolveLargeResults } from "./options.ts"
import { createPreview } from "./preview.ts"
import { readResultName, readResultTool } from "./read-result-tool.ts"
import { isLarge, toTextPieces } from "./result-text.ts"

/** Maximum bytes of a page. It leaves room for the page's header. */
const maxPageBytes = 50_000
const headerBytes = 200
/** If the limit of a result is lower than this, large results are truncated. */
const leastBytes = 1_200
/** Maximum characters of an earlier result, which comes from the log. */
const maxLoggedCharacters = 2_000_000

/** Stores results that are too large for a model, and lets the model read them in pages. */
export function largeResultsPlugin(choice: LargeResultsOptions["largeResults"]): Plugin {
  const { sessionBytes } = resolveLargeResults(choice)
  return {
    name: "large_results",
    // It stores results that the others have transformed.
    after: "all",
    setup({ stores, ...others }) {
      if (choice === undefined && stores.contents === undefined) {
        others.logger.warn({}, "The store has no part `contents`. Large results of tools are truncated.")
        return {}
      }
      const contents = requireStorePart(stores.contents, "contents", "largeResults")
      return { openRun: (run) => openRun({ ...others, contents }, run, sessionBytes) }
    },
  }
}

interface Services extends Omit<PluginServices, "stores"> {
  readonly contents: Contents
}

/** Accompanies a summary, so that the model knows that it can look up results. */
const note =
  `Results of tool calls before this point are not shown any more. Read one with ${readResultName} and the id of ` +
  "its call if the summary does not have what you need."

/**
 * Waits for nothing in the first run of a session: without entries, the session has neither contents nor summaries.
 */
function openRun(
  services: Services,
  { session, maxToolResultBytes }: PluginRun,
  sessionBytes: number,
): RunParts | Promise<RunParts> {
  if (session === null || maxToolResultBytes < leastBytes) return {}
  const settings = { maxToolResultBytes, sessionBytes }
  if (session.lastSeq === 0) return createParts(services, session.id, { ...settings, hasStored: false })
  return hasResults(services, session.id).then((found) =>
    createParts(services, session.id, { ...settings, hasStored: found }),
  )
}

interface ResultSettings {
  readonly maxToolResultBytes: number
  readonly sessionBytes: number
  /** If true, the session has results that the model may read. */
  readonly hasStored: boolean
}

function createParts(
  services: Services,
  sessionId: string,
  { maxToolResultBytes, sessionBytes, hasStored }: ResultSettings,
): RunParts {
  const pageBytes = Math.min(maxPageBytes, maxToolResultBytes - headerBytes)
  let offered: readonly Tool[] | null = null
  const offer = () => {
    offered ??= [
      readResultTool({ pageBytes, open: (id, context) => openResult(services, sessionId, id, context) }),
    ]
    return offered
  }
  let hasSomething = hasStored
  return {
    tools: () => (hasSomething ? offer() : none),
    compactionNotes({ messages }) {
      hasSomething ||= messages.some(({ role }) => role === "tool")
      return hasSomething ? [note] : []
    },
    async transformToolResult(result, call) {
      if (call.toolName === readResultName && call.origin === null) return result
      if (!isLarge(result, maxToolResultBytes)) return result
      const preview = await storeResult(services, result, {
        call,
        sessionBytes,
        maxBytes: maxToolResultBytes,
      })
      if (preview === null) return result
      hasSomething = true
      return preview
    },
  }
}

const none: readonly Tool[] = []

/** Resolves to true if the session has contents, or a summary that mentions results. */
async function hasResults({ contents, lastCompaction }: Services, sessionId: string): Promise<boolean> {
  if (await contents.hasAny(sessionId)) return true
  return (await lastCompaction(sessionId))?.notes.includes(note) ?? false
}

/**
 * Resolves to null if the session has no room for the result, or if the store is unavailable. The result is then
 * truncated.
 */
async function storeResult(
  { contents, logger }: Services,
  result: ToolResult,
  {
    call: { session, toolCallId, signal },
    sessionBytes,
    maxBytes,
  }: { readonly call: TransformedCall; readonly sessionBytes: number; readonly maxBytes: number },
): Promise<ToolResult | null> {
  const content = await encodeContent(toTextPieces(result), sessionBytes)
  signal.throwIfAborted()
  const fields = { sessionId: session.id, toolCallId, bytes: content?.bytes }
  try {
    const outcome = content === null ? "full" : await contents.put(session.id, content, { sessionBytes })
    if (content !== null && outcome === "stored") {
      return showPreview(result, createPreview(content, result.type === "json" ? "JSON" : "text", maxBytes))
    }
    logger.warn(fields, "A session has no room for a large result of a tool. The result is truncated.")
  } catch (error) {
    logger.error({ ...fields, error: toError(error) }, "A large result could not be stored. It is truncated.")
  }
  return null
}

/** Returns the preview with the images of the result. */
function showPreview(result: ToolResult, text: string): ToolResult {
  if (result.type === "error") return { ...result, message: text }
  const images = result.type === "content" ? result.content.filter(({ type }) => type === "image") : []
  return { type: "content", content: [{ type: "text", text }, ...images], ...selectMarks(result) }
}

async function openResult(
  services: Services,
  sessionId: string,
  id: string,
  { signal }: ToolContext,
): Promise<ByteSource | null> {
  const stored = await openContent(services.contents, sessionId, id)
  if (stored !== null) return stored
  const result = await findCallResult(services, { sessionId, toolCallId: id, signal })
  if (result === null) return null
  let text = ""
  for (const piece of toTextPieces(result)) {
    text += piece
    if (text.length > maxLoggedCharacters) break
  }
  return createTextSource(text)
}

/**
 * Resolves to the result of a call from the log, even if the model no longer sees it. Reads the log from its start,
 * page by page.
 */
async function findCallResult(
  { readEvents }: Pick<PluginServices, "readEvents">,
  {
    sessionId,
    toolCallId,
    signal,
  }: Readonly<Record<"sessionId" | "toolCallId", string>> & { signal: AbortSignal },
): Promise<ToolResult | null> {
  for (let afterSeq = 0; ; ) {
    signal.throwIfAborted()
    const entries = await readEvents(sessionId, afterSeq)
    for (const { event, seq } of entries) {
      if (event.type === "toolCallCompleted" && event.toolCallId === toolCallId) return event.result
      afterSeq = seq
    }
    if (entries.length === 0) return null
  }
}

/** Hexadecimal digits of an id: 96 bits of the digest. Models copy short ids more reliably. */
const idDigits = 24

/**
 * Resolves to the content with the text of these pieces. Null if it has more than the maximum bytes. Encodes and
 * hashes one piece in each turn of the event loop (rule 15, durability and responsiveness).
 */
async function encodeContent(pieces: Iterable<string>, maxBytes: number): Promise<Content | null> {
  const hash = createHash("sha256")
  const chunks: Uint8Array[] = []
  let open = Buffer.alloc(contentChunkBytes)
  let filled = 0
  let bytes = 0
  for (const piece of pieces) {
    const encoded = Buffer.from(piece)
    bytes += encoded.length
    if (bytes > maxBytes) return null
    hash.update(encoded)
    for (let start = 0; start < encoded.length; ) {
      const copied = encoded.copy(open, filled, start)
      start += copied
      filled += copied
      if (filled < contentChunkBytes) continue
      chunks.push(open)
      open = Buffer.alloc(contentChunkBytes)
      filled = 0
    }
    await waitForNextSlice()
  }
  if (filled > 0) chunks.push(open.subarray(0, filled))
  return { id: `result_${hash.digest("hex").slice(0, idDigits)}`, bytes, chunks }
}
