import type { ToolOutput as Output } from "ai-agent-gateway/client/view"
import { useEffect, useRef } from "preact/hooks"

/** Maximum characters to show. A page with megabytes of text stops responding. */
const maxShown = 50_000

/** The live output of a tool, or its end if it is long. */
export function ToolOutput({
  output,
  isLive,
}: {
  readonly output: readonly Output[]
  readonly isLive: boolean
}) {
  const frame = useRef<HTMLPreElement>(null)
  useEffect(() => {
    if (isLive && frame.current !== null) frame.current.scrollTop = frame.current.scrollHeight
  })
  return (
    <div class="labelled">
      <p class="label">Output</p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: Long output is scrolled with the keyboard. */}
      <pre ref={frame} class="output" tabIndex={0}>
        {listEnd(output).map(({ stream, text, index }) => (
          <span key={index} class={stream}>
            {text}
          </span>
        ))}
      </pre>
    </div>
  )
}

/** Returns the last pieces, of at most 50 000 characters together. */
function listEnd(output: readonly Output[]) {
  const shown: (Output & { readonly index: number })[] = []
  let left = maxShown
  for (let index = output.length - 1; index >= 0 && left > 0; index--) {
    const { stream, text } = output[index] as Output
    shown.unshift({ stream, text: text.slice(-left), index })
    left -= text.length
  }
  return shown
}
