import { lexer } from "marked"
import { memo } from "preact/compat"
import { useMemo } from "preact/hooks"
import { Block } from "./block.tsx"

/**
 * Shows Markdown as elements. HTML in the text is shown as text and never parsed. While a text grows, only its last
 * blocks are rendered again, so that the text above stays in place and can be selected.
 */
export const Markdown = memo(({ text }: { readonly text: string }) => {
  const blocks = useMemo(() => lexer(text, { gfm: true, breaks: true }), [text])
  // The first heading decides, so that later headings do not change the levels above them.
  const first = blocks.find((token) => token.type === "heading")
  const topHeading = first?.type === "heading" ? (first.depth as number) : 1
  return (
    <div class="markdown">
      {blocks.map((token, index) => (
        <Block key={index} token={token} raw={token.raw} topHeading={topHeading} />
      ))}
    </div>
  )
})
