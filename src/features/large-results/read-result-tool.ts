import type { Tool, ToolContext, ToolResult } from "../../core/ports/tools/tool.ts"
import { createFailure, defineTool } from "../../core/tools/define-tool.ts"
import type { ByteSource } from "./byte-source.ts"
import { findValue, parsePointer } from "./json-pointer.ts"
import { searchText } from "./search-text.ts"
import { readPage } from "./text-page.ts"

export const readResultName = "tool_result_read"

const maxMatches = 20

export interface ReadResultParts {
  /** Resolves to the text of a stored result, or of an earlier call. Null if the session has neither. */
  readonly open: (id: string, context: ToolContext) => Promise<ByteSource | null>
  /** Maximum bytes of one page of text. */
  readonly pageBytes: number
}

/** Creates the tool by which a model reads the parts of a result that its conversation does not contain. */
export function readResultTool({ open, pageBytes }: ReadResultParts): Tool {
  return defineTool({
    name: readResultName,
    description:
      "Reads the result of an earlier tool call: one that was too large to show, by the id that was shown instead, " +
      "or any earlier one, by the id of its call. Without further arguments it returns the first page; call it again " +
      "with next_offset for the next one.",
    properties: {
      id: { type: "string", minLength: 1, maxLength: 200, description: "Id of the result, or of the call." },
      offset: { type: "integer", minimum: 0, description: "Bytes to skip. Default 0." },
      length: { type: "integer", minimum: 1, description: "Maximum bytes to return." },
      search: {
        type: "string",
        minLength: 1,
        maxLength: 200,
        description: "Returns the places from offset on where this text is, exactly as written.",
      },
      pointer: {
        type: "string",
        maxLength: 1_000,
        description:
          "JSON Pointer, such as /items/0/name, of the value to return. offset and length apply to it.",
      },
    },
    required: ["id"],
    readOnly: true,
    needsApproval: false,
    async execute({ id, offset = 0, length, search, pointer }, context) {
      const source = await open(String(id), context)
      if (source === null) return createUnknownResult(String(id))
      if (search !== undefined) return showMatches(source, String(search), Number(offset), context)
      const range = await findRange(source, pointer === undefined ? null : String(pointer), context)
      if ("type" in range) return range
      const maxBytes = Math.min(pageBytes, length === undefined ? pageBytes : Number(length))
      return showPage(source, { ...range, offset: Number(offset), maxBytes })
    },
  })
}

async function findRange(
  source: ByteSource,
  pointer: string | null,
  { signal }: ToolContext,
): Promise<{ readonly start: number; readonly end: number } | ToolResult> {
  if (pointer === null) return { start: 0, end: source.bytes }
  const tokens = parsePointer(pointer)
  if (tokens === null) {
    return createFailure(
      "invalid_pointer",
      "This is not a JSON Pointer. Write it as /items/0/name, with / first.",
    )
  }
  const found = await findValue(source, tokens, signal)
  if (found !== null) return found
  return createFailure(
    "value_not_found",
    "The result has no value at this pointer, or is not JSON. Read a page of it to see what it has.",
  )
}

interface Section {
  readonly start: number
  readonly end: number
  readonly offset: number
  readonly maxBytes: number
}

async function showPage(source: ByteSource, { start, end, offset, maxBytes }: Section): Promise<ToolResult> {
  const page = await readPage(source, { start: start + offset, end, maxBytes })
  const header = {
    size: end - start,
    offset: page.start - start,
    next_offset: page.end < end ? page.end - start : null,
  }
  return {
    type: "content",
    content: [
      { type: "text", text: JSON.stringify(header) },
      { type: "text", text: page.text },
    ],
  }
}

async function showMatches(
  source: ByteSource,
  searched: string,
  start: number,
  { signal }: ToolContext,
): Promise<ToolResult> {
  const matches = await searchText(source, searched, { start, limit: maxMatches + 1, signal })
  const shown = matches.slice(0, maxMatches)
  const next = matches[maxMatches]
  return {
    type: "json",
    value: {
      size: source.bytes,
      matches: shown.map(({ offset, text }) => ({ offset, text })),
      next_offset: next?.offset ?? null,
    },
  }
}

function createUnknownResult(id: string): ToolResult {
  return createFailure(
    "result_not_found",
    `This conversation has no result ${JSON.stringify(id)}. Use an id as it was shown, or call the tool again.`,
  )
}
