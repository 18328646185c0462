import { lexer } from "marked"
import { memo } from "preact/compat"
import { useMemo } from "preact/hooks"
import { Block } from "./block.tsx"

/**
 * Shows Markdown as elements. No markup is ever parsed: HTML in the text is shown as text. While a text grows, only
 * its last blocks are rendered again, so that what stands above stays in place and can be selected.
 */
export const Markdown = memo(({ text }: { readonly text: string }) => {
  const blocks = useMemo(() => lexer(text, { gfm: true, breaks: true }), [text])
  // Fixed by the first heading, so that later ones do not change those above.
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
