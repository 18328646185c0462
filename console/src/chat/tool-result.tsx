import type { ImageBlock, TextBlock } from "ai-agent-gateway/client"
import { ImagePart } from "../ui/image-part.tsx"
import { JsonView } from "../ui/json-view.tsx"

/** The result of a call: any JSON value, or blocks of text and images. */
export function ToolResult({ result }: { readonly result: unknown }) {
  const blocks = readBlocks(result)
  if (blocks === null) return <JsonView label="Result" value={result} />
  return (
    <div class="labelled">
      <p class="label">Result</p>
      {blocks.map((block, index) =>
        block.type === "text" ? (
          <JsonView key={index} value={block.text} />
        ) : (
          <ImagePart key={index} source={block.source} />
        ),
      )}
    </div>
  )
}

function readBlocks(result: unknown): readonly (TextBlock | ImageBlock)[] | null {
  if (typeof result !== "object" || result === null || !("content" in result)) return null
  const { content } = result
  return Array.isArray(content) && content.every(isBlock) ? content : null
}

function isBlock(value: unknown): value is TextBlock | ImageBlock {
  if (typeof value !== "object" || value === null || !("type" in value)) return false
  if (value.type === "text") return "text" in value && typeof value.text === "string"
  return (
    value.type === "image" && "source" in value && typeof value.source === "object" && value.source !== null
  )
}
