import type { ToolOutput as Output } from "ai-agent-gateway/client/view"
import { useEffect, useRef } from "preact/hooks"

/** The live output of a tool. */
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
        {output.map(({ stream, text }, index) => (
          <span key={index} class={stream}>
            {text}
          </span>
        ))}
      </pre>
    </div>
  )
}
